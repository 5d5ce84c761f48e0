package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.Word;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which rules are applied, and whether findings are errors: {@code skip=A,B;error=true}, {@code
 * skip=all}, {@code experimental=C}, as the directive {@code # check=}, the build argument {@code
 * BUILDKIT_DOCKERFILE_CHECK} and a comment before an instruction have it. Rules that are not known
 * are passed over, as BuildKit does.
 *
 * @param skipped rules that are not applied; those that are experimental cannot be skipped
 * @param experimental experimental rules that are applied
 */
public record CheckOptions(Set<Rule> skipped, Set<Rule> experimental, boolean error) {
  /** The build argument that replaces the directive. */
  public static final String ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK";

  private static final Pattern COMMENT = Pattern.compile("(?i)check\\s*=\\s*(\\S+).*");

  public CheckOptions {
    skipped = Collections.unmodifiableSet(enumSet(skipped));
    experimental = Collections.unmodifiableSet(enumSet(experimental));
  }

  private static EnumSet<Rule> enumSet(Collection<Rule> rules) {
    return rules.isEmpty() ? EnumSet.noneOf(Rule.class) : EnumSet.copyOf(rules);
  }

  /** All rules that are not experimental, none of them an error. */
  public static CheckOptions none() {
    return new CheckOptions(Set.of(), Set.of(), false);
  }

  /** Whether a rule is applied. */
  public boolean applies(Rule rule) {
    return rule.experimental() ? experimental.contains(rule) : !skipped.contains(rule);
  }

  /**
   * The options for one instruction: a comment before it such as {@code check=skip=A // why} adds
   * to them. Of several the first counts, and one that cannot be read is a comment like any other.
   * Whether findings are errors is said for the whole file.
   *
   * @param comments those of the instruction
   */
  public CheckOptions with(List<Word> comments) {
    for (Word comment : comments) {
      Matcher check = COMMENT.matcher(comment.text());
      if (check.matches()) {
        try {
          return plus(parse(check.group(1)));
        } catch (IllegalArgumentException e) {
          return this;
        }
      }
    }
    return this;
  }

  private CheckOptions plus(CheckOptions more) {
    var allSkipped = enumSet(skipped);
    allSkipped.addAll(more.skipped);
    var allExperimental = enumSet(experimental);
    allExperimental.addAll(more.experimental);
    return new CheckOptions(allSkipped, allExperimental, error);
  }

  /**
   * Reads the text of a directive.
   *
   * @throws IllegalArgumentException if it is no list of {@code skip=}, {@code error=} and {@code
   *     experimental=}; the message says why
   */
  public static CheckOptions parse(String text) {
    if (text.isBlank()) {
      return none();
    }
    var skipped = EnumSet.noneOf(Rule.class);
    var experimental = EnumSet.noneOf(Rule.class);
    boolean error = false;
    for (String part : text.split(";", -1)) {
      String[] pair = part.strip().split("=", 2);
      if (pair.length != 2) {
        throw new IllegalArgumentException("\"" + part.strip() + "\" is not name=value");
      }
      String value = pair[1].strip();
      switch (pair[0].strip().toLowerCase(Locale.ROOT)) {
        case "skip" -> skipped.addAll(rules(value));
        case "error" -> error = bool(value);
        case "experimental" -> experimental.addAll(rules(value));
        default -> throw new IllegalArgumentException("unknown option \"" + pair[0].strip() + "\"");
      }
    }
    return new CheckOptions(skipped, experimental, error);
  }

  private static Set<Rule> rules(String names) {
    var rules = EnumSet.noneOf(Rule.class);
    for (String name : names.split(",")) {
      if (name.strip().equalsIgnoreCase("all")) {
        return EnumSet.allOf(Rule.class);
      }
      Rule.of(name.strip()).ifPresent(rules::add);
    }
    return rules;
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
