package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildSecrets;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code --secret}, as docker build has it. Messages name ids, files and variables, never values.
 */
final class SecretOptions {
  private final String text;
  private @Nullable String id;
  private @Nullable String type;
  private @Nullable String source;
  private @Nullable String variable;

  private SecretOptions(String text) {
    this.text = text;
  }

  /**
   * The secrets of a command line.
   *
   * @throws CommandFailure USAGE if an option is wrong, or a file is not there
   */
  static BuildSecrets parse(List<String> options, Map<String, String> environment)
      throws CommandFailure {
    Map<String, BuildSecrets.Source> sources = new HashMap<>();
    for (String option : options) {
      var parsed = new SecretOptions(option);
      BuildSecrets.Source secret = parsed.read(environment);
      sources.put(String.valueOf(parsed.id), secret);
    }
    return BuildSecrets.of(sources);
  }

  private BuildSecrets.Source read(Map<String, String> environment) throws CommandFailure {
    for (String field : text.split(",")) {
      int equals = field.indexOf('=');
      if (equals < 0) {
        throw bad("want id=ID,src=FILE or id=ID,env=NAME");
      }
      take(
          field.substring(0, equals).strip().toLowerCase(Locale.ROOT), field.substring(equals + 1));
    }
    if (id == null || id.isEmpty()) {
      throw bad("it has no id=");
    }
    if (source != null && variable == null && "env".equals(type)) {
      variable = source;
      source = null;
    }
    if (source != null && variable != null) {
      throw bad("it has both a file and a variable");
    }
    boolean isVariable =
        variable != null
            || "env".equals(type)
            || type == null && source == null && environment.containsKey(id);
    if (isVariable) {
      // A variable that is not set is no secret; whether that is an error, the step says.
      Optional<byte[]> value =
          Optional.ofNullable(environment.get(variable == null ? id : variable))
              .map(v -> v.getBytes(StandardCharsets.UTF_8));
      return () -> value;
    }
    return file(Path.of(source == null ? id : source));
  }

  private void take(String name, String value) throws CommandFailure {
    switch (name) {
      case "id" -> id = value;
      case "type" -> {
        if (!value.equals("file") && !value.equals("env")) {
          throw bad("type is file or env, not \"" + value + "\"");
        }
        type = value;
      }
      case "src", "source" -> source = value;
      case "env" -> variable = value;
      default -> throw bad("it has no option \"" + name + "\": want id, src, env or type");
    }
  }

  private BuildSecrets.Source file(Path path) throws CommandFailure {
    if (!Files.isReadable(path) || Files.isDirectory(path)) {
      throw bad(
          path
              + (Files.exists(path) ? " is no file that can be read" : " is not there")
              + (source == null && variable == null
                  ? "; name a file with src=, or a variable with env="
                  : ""));
    }
    return BuildSecrets.ofFile(String.valueOf(id), path.toAbsolutePath());
  }

  /** The option itself may hold a value by mistake, so it is not repeated. */
  private CommandFailure bad(String why) {
    String which = id == null || id.isEmpty() ? "--secret" : "--secret id=" + id;
    return CommandFailure.usage(which + ": " + why);
  }
}
