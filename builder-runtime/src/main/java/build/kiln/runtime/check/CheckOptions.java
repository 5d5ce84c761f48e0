package build.kiln.runtime.check;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Which rules are skipped, and whether findings are errors: {@code skip=A,B;error=true}, or {@code
 * skip=all}, as the directive {@code # check=} and the build argument {@code
 * BUILDKIT_DOCKERFILE_CHECK} have it. Rules that are not known are passed over, as BuildKit does.
 */
public record CheckOptions(Set<Rule> skipped, boolean error) {
  /** The build argument that replaces the directive. */
  public static final String ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK";

  public CheckOptions {
    skipped = Collections.unmodifiableSet(EnumSet.copyOf(enumSet(skipped)));
  }

  private static Set<Rule> enumSet(Set<Rule> rules) {
    var set = EnumSet.noneOf(Rule.class);
    set.addAll(rules);
    return set;
  }

  /** All rules, none of them an error. */
  public static CheckOptions none() {
    return new CheckOptions(Set.of(), false);
  }

  /**
   * Reads the text of a directive.
   *
   * @throws IllegalArgumentException if it is no list of {@code skip=}, {@code error=} and {@code
   *     experimental=}; the message says why
   */
  public static CheckOptions parse(String text) {
    var skipped = EnumSet.noneOf(Rule.class);
    boolean error = false;
    for (String part : text.split(";", -1)) {
      String[] pair = part.strip().split("=", 2);
      if (pair.length != 2) {
        throw new IllegalArgumentException("\"" + part.strip() + "\" is not name=value");
      }
      String value = pair[1].strip();
      switch (pair[0].strip().toLowerCase(Locale.ROOT)) {
        case "skip" -> {
          for (String name : value.split(",")) {
            if (name.strip().equalsIgnoreCase("all")) {
              skipped.addAll(EnumSet.allOf(Rule.class));
            } else {
              Rule.of(name.strip()).ifPresent(skipped::add);
            }
          }
        }
        case "error" -> error = bool(value);
        // No rule here is experimental.
        case "experimental" -> {}
        default -> throw new IllegalArgumentException("unknown option \"" + pair[0].strip() + "\"");
      }
    }
    return new CheckOptions(skipped, error);
  }

  private static boolean bool(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "1", "t" -> true;
      case "false", "0", "f" -> false;
      default ->
          throw new IllegalArgumentException("error must be true or false, not \"" + text + "\"");
    };
  }
}
