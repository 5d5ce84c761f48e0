package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A {@code RUN --mount} as written: key and value pairs, whose values may hold variables.
 *
 * @param spec the flag's whole value
 */
public record MountOptions(Word spec, List<Option> options) {

  /**
   * One pair.
   *
   * @param key in lower case
   * @param value null if there is no equals sign
   */
  public record Option(String key, @Nullable Word value) {}

  public MountOptions {
    options = List.copyOf(options);
  }

  /**
   * Reads the flag's value.
   *
   * @throws DockerfileException if it is wrong whatever the variables in it are
   */
  static MountOptions parse(Word spec) {
    var options = new ArrayList<Option>();
    for (String field : fields(spec)) {
      int equals = field.indexOf('=');
      String key = (equals < 0 ? field : field.substring(0, equals)).toLowerCase(Locale.ROOT);
      Word value = equals < 0 ? null : new Word(field.substring(equals + 1), spec.range());
      if (key.equals("from") && value != null && value.text().contains("$")) {
        throw bad(
            spec,
            "from= of --mount does not take variables",
            "name a stage with FROM and an ARG before it, and mount from that stage");
      }
      options.add(new Option(key, value));
    }
    var mount = new MountOptions(spec, options);
    if (!spec.text().contains("$")) {
      mount.resolve();
    }
    return mount;
  }

  /**
   * What it means.
   *
   * @throws DockerfileException if an option is unknown or does not fit
   */
  public Mount resolve() {
    return new MountReader(this).read();
  }

  /** The stage, context or image it mounts from, if it says so. */
  public Optional<Word> from() {
    return options.stream()
        .filter(o -> o.key().equals("from"))
        .flatMap(o -> Optional.ofNullable(o.value()).stream())
        .filter(v -> !v.isEmpty())
        .reduce((first, last) -> last);
  }

  /** Comma-separated values (RFC 4180), one record. */
  private static List<String> fields(Word spec) {
    String text = spec.text();
    var fields = new ArrayList<String>();
    var field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted && c == '"' && i + 1 < text.length() && text.charAt(i + 1) == '"') {
        field.append(c);
        i++;
      } else if (c == '"' && (quoted || field.isEmpty())) {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        fields.add(field.toString());
        field.setLength(0);
      } else {
        field.append(c);
      }
    }
    if (quoted) {
      throw bad(spec, "a double quote in --mount is not closed", null);
    }
    fields.add(field.toString());
    return fields;
  }

  static DockerfileException bad(Word spec, String message, @Nullable String hint) {
    return new DockerfileException(Problem.Code.BAD_ARGUMENT, spec.range(), message, hint);
  }
}
