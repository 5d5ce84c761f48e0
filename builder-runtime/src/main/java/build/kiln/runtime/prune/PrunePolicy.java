package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Reference;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What may go, as the planner reads it.
 *
 * @param name of the policy, for reports
 * @param registries the first that names a repository governs it
 * @param grace what is younger is kept, whatever rules say
 */
public record PrunePolicy(
    String name,
    List<RegistryRules> registries,
    Protection protection,
    Limits limits,
    Duration grace) {

  /**
   * Rules for some repositories. A tag that no rule matches is kept, and so is one that any rule
   * keeps.
   *
   * @param untagged how long a digest must have been without tags; empty keeps them
   * @param sharedWith other clusters that pull from here, whose use must be known
   * @param alone tags beside which what has no tag goes; if there are others, it may have been
   *     theirs, and stays; null for any
   */
  public record RegistryRules(
      String name,
      List<Pattern> repositories,
      List<Pattern> exclude,
      List<TagRule> rules,
      Optional<Duration> untagged,
      List<String> sharedWith,
      @Nullable Pattern alone) {

    public RegistryRules(
        String name,
        List<Pattern> repositories,
        List<Pattern> exclude,
        List<TagRule> rules,
        Optional<Duration> untagged,
        List<String> sharedWith) {
      this(name, repositories, exclude, rules, untagged, sharedWith, null);
    }

    /** How long a digest must have been without tags, in a repository with these tags. */
    Optional<Duration> untagged(Collection<String> tags) {
      Pattern own = alone;
      return own == null || tags.stream().allMatch(tag -> own.matcher(tag).matches())
          ? untagged
          : Optional.empty();
    }

    boolean governs(String repository) {
      return repositories.stream().anyMatch(p -> p.matcher(repository).matches())
          && exclude.stream().noneMatch(p -> p.matcher(repository).matches());
    }
  }

  /**
   * Which of the tags that match are kept: those that any of the three keeps.
   *
   * @param name for reports, such as {@code registries[0].rules[1]}
   * @param regex may be null; a tag matches if a glob or it does, and no exclusion
   * @param keepLast the newest images, at least 1; 0 if not said
   */
  public record TagRule(
      String name,
      List<Pattern> tags,
      @Nullable Pattern regex,
      List<Pattern> exclude,
      int keepLast,
      Optional<Duration> keepYoungerThan,
      Optional<KeepSemver> keepSemver) {

    boolean matches(String tag) {
      boolean included = matches(tags, tag) || (regex != null && regex.matcher(tag).matches());
      return included && !matches(exclude, tag);
    }

    /** Without a stream, which each tag would pay for. */
    private static boolean matches(List<Pattern> patterns, String tag) {
      for (Pattern pattern : patterns) {
        if (pattern.matcher(tag).matches()) {
          return true;
        }
      }
      return false;
    }
  }

  /**
   * Versions that are kept; 0 stands for all.
   *
   * @param majors how many of the newest majors
   * @param minors how many of the newest minors of each of those
   * @param patches how many of the newest patches of each of those
   */
  public record KeepSemver(int majors, int minors, int patches) {}

  /**
   * What is kept whatever rules say.
   *
   * @param labels an image with one of these labels; an empty value stands for any
   */
  public record Protection(boolean inUse, List<Pattern> tags, Map<String, String> labels) {
    boolean protects(String tag) {
      for (Pattern pattern : tags) {
        if (pattern.matcher(tag).find()) {
          return true;
        }
      }
      return false;
    }
  }

  /**
   * What a run may delete at most; more, and it deletes nothing.
   *
   * @param deletions digests and tags; 0 for any number
   * @param percent of the digests examined; 100 for all
   */
  public record Limits(int deletions, int percent) {}

  /** With all that is given as in use protected. */
  PrunePolicy protectingUse() {
    return new PrunePolicy(
        name, registries, new Protection(true, protection.tags, protection.labels), limits, grace);
  }

  /** The rules for a repository; the first that name it. */
  public Optional<RegistryRules> rulesFor(String repository) {
    return registries.stream().filter(r -> r.governs(repository)).findFirst();
  }

  /** As {@link #rulesFor(String)}, however the repository is written. */
  public Optional<RegistryRules> rulesFor(Reference repository) {
    return rulesFor(Names.canonical(repository));
  }
}
