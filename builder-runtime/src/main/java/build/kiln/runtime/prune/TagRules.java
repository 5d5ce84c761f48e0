package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.PrunePolicy.KeepSemver;
import build.kiln.runtime.prune.PrunePolicy.TagRule;
import build.kiln.runtime.prune.Version.Minor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the rules say of a repository's tags. A tag is kept if any rule that matches it keeps it: so
 * the order of rules decides only which one is named.
 */
final class TagRules {
  /** A tag, what it points at, and since when. */
  record Tag(String name, Digest digest, Instant since, Optional<Version> version) {
    static Tag of(String name, Digest digest, Instant since) {
      return new Tag(name, digest, since, Version.of(name));
    }
  }

  /** An image among those that one rule matches: the tags on one digest. */
  private record Candidate(Digest digest, Instant since, Optional<Version> version) {}

  private final List<TagRule> rules;
  private final Instant now;

  TagRules(List<TagRule> rules, Instant now) {
    this.rules = rules;
    this.now = now;
  }

  /** A verdict for each tag. */
  Map<String, Verdict> judge(Collection<Tag> tags) {
    Map<String, Verdict> verdicts = new HashMap<>();
    for (TagRule rule : rules) {
      List<Tag> matching = tags.stream().filter(tag -> rule.matches(tag.name)).toList();
      judge(rule, matching)
          .forEach((name, verdict) -> verdicts.merge(name, verdict, TagRules::strongerOf));
    }
    Verdict none = Verdict.of(Reason.NO_RULE, "");
    tags.forEach(tag -> verdicts.putIfAbsent(tag.name, none));
    return verdicts;
  }

  /** Keeping is stronger; of two that keep, or two that delete, the earlier rule is told. */
  private static Verdict strongerOf(Verdict earlier, Verdict later) {
    return earlier.deletes() && !later.deletes() ? later : earlier;
  }

  private Map<String, Verdict> judge(TagRule rule, List<Tag> tags) {
    Map<String, Verdict> verdicts = new HashMap<>();
    Set<Digest> last = rule.keepLast() > 0 ? newest(tags, rule.keepLast()) : Set.of();
    Set<String> versions = rule.keepSemver().map(keep -> versions(tags, keep)).orElseGet(Set::of);
    Verdict newest =
        new Verdict(
            Reason.KEEP_LAST, rule.name(), "among the newest " + rule.keepLast() + ", or as new");
    Verdict goes = new Verdict(Reason.RULE, rule.name(), "");
    for (Tag tag : tags) {
      verdicts.put(
          tag.name, last.contains(tag.digest) ? newest : verdict(rule, tag, versions, goes));
    }
    return verdicts;
  }

  private Verdict verdict(TagRule rule, Tag tag, Set<String> versions, Verdict otherwise) {
    if (rule.keepYoungerThan().filter(age -> tag.since.plus(age).isAfter(now)).isPresent()) {
      return new Verdict(Reason.KEEP_YOUNGER_THAN, rule.name(), "seen since " + tag.since);
    }
    if (versions.contains(tag.name)) {
      return new Verdict(Reason.KEEP_SEMVER, rule.name(), "");
    }
    if (rule.keepSemver().isPresent() && tag.version.isEmpty()) {
      return new Verdict(Reason.NO_VERSION, rule.name(), "not a version such as 1.2.3");
    }
    return otherwise;
  }

  /**
   * The digests of which fewer than {@code count} others are known to be newer: by when they were
   * seen, and among those seen at one time by their versions. What cannot be compared is kept.
   */
  private static Set<Digest> newest(List<Tag> tags, int count) {
    Map<Digest, Candidate> candidates = new HashMap<>();
    for (Tag tag : tags) {
      candidates.merge(
          tag.digest,
          new Candidate(tag.digest, tag.since, tag.version),
          (a, b) ->
              new Candidate(a.digest, a.since.isAfter(b.since) ? a.since : b.since, later(a, b)));
    }
    TreeMap<Instant, List<Candidate>> byTime = new TreeMap<>(Comparator.reverseOrder());
    candidates
        .values()
        .forEach(c -> byTime.computeIfAbsent(c.since, ignored -> new ArrayList<>()).add(c));
    Set<Digest> kept = new HashSet<>();
    int newer = 0;
    for (List<Candidate> together : byTime.values()) {
      if (newer >= count) {
        break;
      }
      keepNewest(together, count - newer, kept);
      newer += together.size();
    }
    return kept;
  }

  private static Optional<Version> later(Candidate a, Candidate b) {
    if (a.version.isEmpty() || b.version.isEmpty()) {
      return a.version.or(() -> b.version);
    }
    return a.version.get().compareTo(b.version.get()) >= 0 ? a.version : b.version;
  }

  private static void keepNewest(List<Candidate> together, int count, Set<Digest> kept) {
    Map<String, List<Candidate>> lines = new HashMap<>();
    for (Candidate candidate : together) {
      if (candidate.version.isEmpty()) {
        kept.add(candidate.digest);
      } else {
        lines
            .computeIfAbsent(candidate.version.get().variant(), ignored -> new ArrayList<>())
            .add(candidate);
      }
    }
    for (List<Candidate> line : lines.values()) {
      line.sort(Comparator.comparing((Candidate c) -> c.version.orElseThrow()).reversed());
      int newer = 0;
      for (int i = 0; i < line.size(); i++) {
        Version version = line.get(i).version.orElseThrow();
        if (i > 0 && version.compareTo(line.get(i - 1).version.orElseThrow()) != 0) {
          newer = i;
        }
        if (newer < count) {
          kept.add(line.get(i).digest);
        }
      }
    }
  }

  /** The tags whose versions are kept, each variant by itself. */
  private static Set<String> versions(List<Tag> tags, KeepSemver keep) {
    Map<String, TreeMap<Version, List<Tag>>> variants = new HashMap<>();
    for (Tag tag : tags) {
      tag.version.ifPresent(
          version ->
              variants
                  .computeIfAbsent(
                      version.variant(), ignored -> new TreeMap<>(Comparator.reverseOrder()))
                  .computeIfAbsent(version, ignored -> new ArrayList<>())
                  .add(tag));
    }
    Set<String> kept = new HashSet<>();
    variants.values().forEach(line -> keepVersions(line, keep, kept));
    return kept;
  }

  /**
   * @param newestFirst versions that compare as equal, such as v1.2.3 and 1.2.3, are one
   */
  private static void keepVersions(
      TreeMap<Version, List<Tag>> newestFirst, KeepSemver keep, Set<String> kept) {
    Set<Object> majors = new HashSet<>();
    Map<Object, Set<Minor>> minors = new HashMap<>();
    Map<Minor, Integer> patches = new HashMap<>();
    newestFirst.forEach(
        (version, tags) -> {
          // Newest first: a pre-release that comes before all releases of its minor is what will
          // be released next, and counts for nothing.
          if (version.isPreRelease()) {
            if (!patches.containsKey(version.line())) {
              tags.forEach(tag -> kept.add(tag.name));
            }
            return;
          }
          majors.add(version.major());
          Set<Minor> lines = minors.computeIfAbsent(version.major(), ignored -> new HashSet<>());
          lines.add(version.line());
          int patch = patches.merge(version.line(), 1, Integer::sum);
          if (within(majors.size(), keep.majors())
              && within(lines.size(), keep.minors())
              && within(patch, keep.patches())) {
            tags.forEach(tag -> kept.add(tag.name));
          }
        });
  }

  private static boolean within(int number, int most) {
    return most == 0 || number <= most;
  }
}
