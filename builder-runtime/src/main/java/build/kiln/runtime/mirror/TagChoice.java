package build.kiln.runtime.mirror;

import build.kiln.api.v1alpha1.ImageMirrorSpec.LatestBy;
import build.kiln.api.v1alpha1.ImageMirrorSpec.Tags;
import build.kiln.runtime.oci.Globs;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which tags of a repository are wanted: what any of the selectors chooses among those that are not
 * excluded. Pure.
 *
 * <p>The order is that of the work: versions from the highest down, then the other tags by name.
 * Tags of digests ({@code sha256-<hex>...}: cosign's, the fallback tags of referrers) and this
 * mirror's own record are never chosen but by their names.
 */
final class TagChoice {
  private static final Pattern OF_DIGEST =
      Pattern.compile("sha(256-[a-f0-9]{64}|512-[a-f0-9]{100,})(\\.[a-z]+)?");

  /** Tells when an image was made; asked only if that decides. */
  @FunctionalInterface
  interface Created {
    Instant of(String tag) throws IOException;
  }

  private final Set<String> names = new LinkedHashSet<>();
  private final Predicate<String> chosen;
  private final Predicate<String> excluded;
  private final boolean listed;
  private final @Nullable Integer latest;
  private final LatestBy latestBy;

  /**
   * @throws IllegalArgumentException if a regular expression or a range is none
   */
  TagChoice(Tags tags) {
    List<String> globs = new ArrayList<>();
    for (String include : Objects.requireNonNullElse(tags.include(), List.<String>of())) {
      if (Globs.isGlob(include)) {
        globs.add(include);
      } else {
        names.add(include);
      }
    }
    boolean all = Boolean.TRUE.equals(tags.all());
    Predicate<String> any = tag -> all;
    any = any.or(Globs.anyOf(globs));
    if (tags.regex() != null) {
      Pattern regex = regex(tags.regex());
      any = any.or(tag -> regex.matcher(tag).matches());
    }
    if (tags.semver() != null) {
      VersionRange range = VersionRange.parse(tags.semver());
      any = any.or(tag -> Version.parse(tag).filter(range::has).isPresent());
    }
    this.chosen = any;
    this.excluded = Globs.anyOf(Objects.requireNonNullElse(tags.exclude(), List.of()));
    this.latest = tags.latest();
    this.latestBy = Objects.requireNonNullElse(tags.latestBy(), LatestBy.Semver);
    this.listed =
        all
            || !globs.isEmpty()
            || tags.regex() != null
            || tags.semver() != null
            || tags.latest() != null;
  }

  private static Pattern regex(String text) {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "tags.regex is no regular expression: %s at character %d of \"%s\""
              .formatted(e.getDescription(), e.getIndex() + 1, text),
          e);
    }
  }

  /** Whether the repository's tags have to be known. */
  boolean needsList() {
    return listed;
  }

  /** Whether tags are chosen by when their images were made. */
  boolean needsTimes() {
    return latest != null && latestBy == LatestBy.Created;
  }

  /**
   * @param all the repository's tags, in any order; not used if no list is needed
   * @return what is wanted, in the order of the work
   */
  List<String> of(List<String> all, Created created) throws IOException {
    Set<String> wanted = new LinkedHashSet<>(names);
    List<String> candidates =
        all.stream()
            .filter(tag -> !OF_DIGEST.matcher(tag).matches() && !MirrorRecord.isTag(tag))
            .filter(excluded.negate())
            .toList();
    candidates.stream().filter(chosen).forEach(wanted::add);
    wanted.addAll(latest(candidates, created));
    wanted.removeIf(excluded);
    return ordered(wanted);
  }

  private List<String> latest(List<String> candidates, Created created) throws IOException {
    if (latest == null) {
      return List.of();
    }
    return switch (latestBy) {
      case Semver ->
          candidates.stream()
              .filter(tag -> Version.parse(tag).filter(v -> !v.isPrerelease()).isPresent())
              .sorted(TagChoice::byVersion)
              .limit(latest)
              .toList();
      case Created -> {
        TreeMap<String, Instant> times = new TreeMap<>();
        for (String tag : candidates) {
          times.put(tag, created.of(tag));
        }
        Comparator<String> newest = Comparator.comparing(tag -> times.get(tag));
        yield times.navigableKeySet().stream().sorted(newest.reversed()).limit(latest).toList();
      }
    };
  }

  private static List<String> ordered(Set<String> tags) {
    return tags.stream().sorted(TagChoice::byVersion).toList();
  }

  /** Versions from the highest down, before all that is none; equals by name. */
  private static int byVersion(String one, String other) {
    Optional<Version> version = Version.parse(one);
    Optional<Version> otherVersion = Version.parse(other);
    if (version.isPresent() != otherVersion.isPresent()) {
      return version.isPresent() ? -1 : 1;
    }
    int order = version.isPresent() ? otherVersion.get().compareTo(version.get()) : 0;
    return order != 0 ? order : one.compareTo(other);
  }
}
