package build.kiln.runtime.mirror;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A version as tags have it: Semantic Versioning 2.0.0, but that a {@code v} may stand before it,
 * the third number may be missing, and numbers may have leading zeros, as in {@code 24.04}.
 *
 * @param prerelease its identifiers; none for a release
 */
record Version(long major, long minor, long patch, List<String> prerelease)
    implements Comparable<Version> {
  private static final Pattern FORM =
      Pattern.compile(
          "v?(\\d{1,9})\\.(\\d{1,9})(?:\\.(\\d{1,9}))?(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z.-]+)?");

  Version {
    prerelease = List.copyOf(prerelease);
  }

  static Version of(long major, long minor, long patch) {
    return new Version(major, minor, patch, List.of());
  }

  /** The version that a tag is, if it is one. */
  static Optional<Version> parse(String tag) {
    Matcher form = FORM.matcher(tag);
    if (!form.matches()) {
      return Optional.empty();
    }
    String patch = form.group(3);
    String prerelease = form.group(4);
    return Optional.of(
        new Version(
            Long.parseLong(form.group(1)),
            Long.parseLong(form.group(2)),
            patch == null ? 0 : Long.parseLong(patch),
            prerelease == null ? List.of() : List.of(prerelease.split("\\.", -1))));
  }

  boolean isPrerelease() {
    return !prerelease.isEmpty();
  }

  boolean hasNumbersOf(Version other) {
    return compareNumbers(other) == 0;
  }

  private int compareNumbers(Version other) {
    if (major != other.major) {
      return Long.compare(major, other.major);
    }
    return minor == other.minor
        ? Long.compare(patch, other.patch)
        : Long.compare(minor, other.minor);
  }

  /** Precedence of Semantic Versioning 2.0.0, item 11. */
  @Override
  public int compareTo(Version other) {
    int numbers = compareNumbers(other);
    if (numbers != 0) {
      return numbers;
    }
    if (isPrerelease() != other.isPrerelease()) {
      return isPrerelease() ? -1 : 1;
    }
    for (int i = 0; i < Math.min(prerelease.size(), other.prerelease.size()); i++) {
      int order = compare(prerelease.get(i), other.prerelease.get(i));
      if (order != 0) {
        return order;
      }
    }
    return Integer.compare(prerelease.size(), other.prerelease.size());
  }

  private static int compare(String one, String other) {
    boolean number = one.matches("\\d{1,18}");
    boolean otherNumber = other.matches("\\d{1,18}");
    if (number && otherNumber) {
      return Long.compare(Long.parseLong(one), Long.parseLong(other));
    }
    if (number != otherNumber) {
      return number ? -1 : 1;
    }
    return one.compareTo(other);
  }
}
