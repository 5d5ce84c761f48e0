package build.kiln.runtime.prune;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A tag that is a version (semver 2.0.0, a leading v allowed). What follows the three numbers is a
 * pre-release if it begins as pre-releases do (rc, beta, dev), and else the name of a variant:
 * {@code 1.2.3-alpine} is a release of the variant alpine. {@code 1.2.3-4} is no version here.
 *
 * @param preRelease identifiers; none for a release
 * @param variant empty for the main line
 */
record Version(
    BigInteger major, BigInteger minor, BigInteger patch, List<String> preRelease, String variant)
    implements Comparable<Version> {
  private static final Pattern FORM =
      Pattern.compile(
          "v?(0|[1-9][0-9]{0,99})\\.(0|[1-9][0-9]{0,99})\\.(0|[1-9][0-9]{0,99})(?:[-_](.+))?",
          Pattern.DOTALL);
  private static final Pattern PRE_RELEASE =
      Pattern.compile(
          "(?:alpha|beta|a|b|rc|cr|m|pre|preview|dev|snapshot|nightly|canary|next|ea|test)?[.]?[0-9]*(?:\\.[0-9A-Za-z]+)*");
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,100}");

  static Optional<Version> of(String tag) {
    Matcher matcher = FORM.matcher(tag);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String rest = matcher.group(4);
    if (rest != null && Character.isDigit(rest.charAt(0))) {
      // Before 1.2.3 for semver, after it for packagers: nobody knows.
      return Optional.empty();
    }
    List<String> preRelease = new ArrayList<>();
    List<String> variant = new ArrayList<>();
    for (String part : rest == null ? new String[0] : rest.split("-", -1)) {
      if (variant.isEmpty() && isPreRelease(part)) {
        preRelease.addAll(Arrays.asList(part.split("\\.", -1)));
      } else {
        variant.add(part);
      }
    }
    return Optional.of(
        new Version(
            new BigInteger(matcher.group(1)),
            new BigInteger(matcher.group(2)),
            new BigInteger(matcher.group(3)),
            List.copyOf(preRelease),
            String.join("-", variant)));
  }

  private static boolean isPreRelease(String part) {
    return !part.isEmpty() && PRE_RELEASE.matcher(part.toLowerCase(Locale.ROOT)).matches();
  }

  boolean isPreRelease() {
    return !preRelease.isEmpty();
  }

  /** Its line, such as 1.2 of a variant. */
  record Minor(BigInteger major, BigInteger minor) implements Comparable<Minor> {
    @Override
    public int compareTo(Minor other) {
      int byMajor = major.compareTo(other.major);
      return byMajor != 0 ? byMajor : minor.compareTo(other.minor);
    }
  }

  Minor line() {
    return new Minor(major, minor);
  }

  /** By precedence (semver 2.0.0, 11); variants are not told apart. */
  @Override
  public int compareTo(Version other) {
    return Comparator.comparing(Version::major)
        .thenComparing(Version::minor)
        .thenComparing(Version::patch)
        .thenComparing(Version::preRelease, Version::comparePreReleases)
        .compare(this, other);
  }

  private static int comparePreReleases(List<String> a, List<String> b) {
    if (a.isEmpty() || b.isEmpty()) {
      return Boolean.compare(a.isEmpty(), b.isEmpty());
    }
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      int order = compareIdentifiers(a.get(i), b.get(i));
      if (order != 0) {
        return order;
      }
    }
    return Integer.compare(a.size(), b.size());
  }

  private static int compareIdentifiers(String a, String b) {
    boolean aNumber = NUMBER.matcher(a).matches();
    boolean bNumber = NUMBER.matcher(b).matches();
    if (aNumber && bNumber) {
      return new BigInteger(a).compareTo(new BigInteger(b));
    }
    return aNumber != bNumber ? Boolean.compare(bNumber, aNumber) : a.compareTo(b);
  }
}
