package build.kiln.runtime.mirror;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A range of versions, as npm and Helm write them: comparators that all hold ({@code >=1.25 <2}),
 * alternatives ({@code ^1.4 || 2.x}), numbers that are left out or {@code x}.
 *
 * <p>A prerelease is in it only if one of the comparators names a prerelease with the same numbers.
 */
final class VersionRange {
  private static final Pattern COMPARATOR =
      Pattern.compile(
          "(>=|<=|>|<|=|!=|\\^|~)?\\s*v?(\\d{1,9}|[xX*])(?:\\.(\\d{1,9}|[xX*]))?(?:\\.(\\d{1,9}|[xX*]))?(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?");

  private static final Pattern SEPARATOR = Pattern.compile("\\s*,\\s*|\\s+");

  /** Comparators that all hold. */
  private record All(List<Predicate<Version>> comparators, List<Version> prereleases) {
    boolean has(Version version) {
      boolean named =
          !version.isPrerelease() || prereleases.stream().anyMatch(version::hasNumbersOf);
      return named && comparators.stream().allMatch(each -> each.test(version));
    }
  }

  private final List<All> alternatives;

  private VersionRange(List<All> alternatives) {
    this.alternatives = alternatives;
  }

  boolean has(Version version) {
    return alternatives.stream().anyMatch(each -> each.has(version));
  }

  /**
   * @throws IllegalArgumentException if it is no range
   */
  static VersionRange parse(String text) {
    List<All> alternatives = new ArrayList<>();
    for (String alternative : text.split("\\|\\|", -1)) {
      alternatives.add(all(text, alternative.strip()));
    }
    return new VersionRange(List.copyOf(alternatives));
  }

  private static All all(String whole, String text) {
    List<Predicate<Version>> comparators = new ArrayList<>();
    List<Version> prereleases = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      Matcher comparator = COMPARATOR.matcher(text).region(at, text.length());
      if (!comparator.lookingAt()) {
        throw wrong(whole, text.substring(at));
      }
      comparators.add(comparator(comparator, prereleases));
      at = comparator.end();
      Matcher separator = SEPARATOR.matcher(text).region(at, text.length());
      if (at < text.length() && !separator.lookingAt()) {
        throw wrong(whole, text.substring(at));
      }
      at = at < text.length() ? separator.end() : at;
    }
    if (comparators.isEmpty()) {
      throw wrong(whole, text);
    }
    return new All(List.copyOf(comparators), List.copyOf(prereleases));
  }

  private static IllegalArgumentException wrong(String whole, String at) {
    return new IllegalArgumentException(
        "not a range of versions: \"%s\", at \"%s\"; write it as >=1.25 <2, ^1.4 || 2.x or ~3.1"
            .formatted(whole, at));
  }

  private static Predicate<Version> comparator(Matcher text, List<Version> prereleases) {
    @Nullable Long major = number(text.group(2));
    @Nullable Long minor = major == null ? null : number(text.group(3));
    @Nullable Long patch = minor == null ? null : number(text.group(4));
    @Nullable String pre = text.group(5);
    Version low =
        new Version(
            orZero(major),
            orZero(minor),
            orZero(patch),
            pre == null ? List.of() : List.of(pre.split("\\.", -1)));
    if (low.isPrerelease()) {
      prereleases.add(low);
    }
    String operator = text.group(1) == null ? "=" : text.group(1);
    if (major == null) {
      return operator.equals("<") || operator.equals(">") || operator.equals("!=")
          ? version -> false
          : version -> true;
    }
    // The first version above all that are meant by numbers left out.
    Version end = minor == null ? above(low, 0) : patch == null ? above(low, 1) : above(low, 2);
    boolean whole = patch != null;
    return switch (operator) {
      case ">=" -> version -> version.compareTo(low) >= 0;
      case "<" -> low.isPrerelease() ? version -> version.compareTo(low) < 0 : below(low);
      case ">" -> whole ? version -> version.compareTo(low) > 0 : atLeast(end);
      case "<=" -> whole ? version -> version.compareTo(low) <= 0 : below(end);
      case "!=" -> whole ? version -> version.compareTo(low) != 0 : between(low, end).negate();
      case "~" -> between(low, minor == null ? above(low, 0) : above(low, 1));
      case "^" -> between(low, caret(low, minor, patch));
      default -> whole ? version -> version.compareTo(low) == 0 : between(low, end);
    };
  }

  private static Predicate<Version> atLeast(Version limit) {
    return version -> version.compareTo(limit) >= 0;
  }

  /** Prereleases of the limit are not below it: {@code ^1.4} does not mean 2.0.0-rc1. */
  private static Predicate<Version> below(Version limit) {
    return version -> version.compareTo(limit) < 0 && !version.hasNumbersOf(limit);
  }

  private static Predicate<Version> between(Version low, Version end) {
    return atLeast(low).and(below(end));
  }

  /** Nothing left of the first number that is not zero may change. */
  private static Version caret(Version low, @Nullable Long minor, @Nullable Long patch) {
    if (low.major() > 0 || minor == null) {
      return above(low, 0);
    }
    return low.minor() > 0 || patch == null ? above(low, 1) : above(low, 2);
  }

  private static Version above(Version version, int number) {
    return switch (number) {
      case 0 -> Version.of(version.major() + 1, 0, 0);
      case 1 -> Version.of(version.major(), version.minor() + 1, 0);
      default -> Version.of(version.major(), version.minor(), version.patch() + 1);
    };
  }

  private static @Nullable Long number(@Nullable String text) {
    return text == null || !Character.isDigit(text.charAt(0)) ? null : Long.valueOf(text);
  }

  private static long orZero(@Nullable Long number) {
    return number == null ? 0 : number;
  }
}
