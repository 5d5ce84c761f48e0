package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import build.kiln.runtime.prune.Links.Step;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides over one repository.
 *
 * <p>Roots are what has a reason to stay by itself. What they keep (see {@link Links}) lives. Seeds
 * are what a rule selects; what they keep goes, unless it lives. What is neither has no reason to
 * go and is a root too. A tag goes if rules say so, or with its subject; a digest only if every tag
 * on it goes.
 */
final class RepositoryPlanner {
  private final RepositoryInventory inventory;
  private final Map<Digest, LedgerEntry> known;
  private final RegistryRules rules;
  private final PrunePolicy policy;
  private final UseIndex uses;
  private final Instant now;
  private final UseIndex.Tags usedTags;
  private final Links links;
  private final Optional<Duration> untagged;

  private final Map<String, Verdict> tagVerdicts = new HashMap<>();
  private final Map<Digest, Verdict> roots = new HashMap<>();
  private final Map<Digest, Verdict> seeds = new HashMap<>();
  private final Map<Digest, List<String>> tagsOf = new HashMap<>();
  private final Set<Digest> keepingTags = new HashSet<>();

  /**
   * @param known what the ledger knows, this scan included
   */
  RepositoryPlanner(
      RepositoryInventory inventory,
      Map<Digest, LedgerEntry> known,
      RegistryRules rules,
      PrunePolicy policy,
      UseIndex uses,
      Instant now) {
    this.inventory = inventory;
    this.known = known;
    this.rules = rules;
    this.policy = policy;
    this.uses = uses;
    this.now = now;
    this.usedTags = uses.tags(inventory.name());
    this.links = new Links(inventory);
    this.untagged = rules.untagged(inventory.tags().keySet());
    new TreeMap<>(inventory.tags())
        .forEach(
            (tag, digest) ->
                tagsOf.computeIfAbsent(digest, ignored -> new ArrayList<>(1)).add(tag));
  }

  RepositoryPlan plan() {
    judgeTags();
    tagsOf.forEach(this::judgeTagged);
    findRoots();
    findSeeds();
    Map<Digest, Step> live = links.reach(roots.keySet());
    Map<Digest, Step> selected = links.reach(seeds.keySet());
    List<Digest> rest =
        inventory.manifests().keySet().stream()
            .filter(d -> !live.containsKey(d) && !selected.containsKey(d))
            .toList();
    rest.forEach(digest -> roots.put(digest, unselected(digest)));
    links.reach(rest).forEach(live::putIfAbsent);
    selected.keySet().removeAll(live.keySet());
    keepLastTags(live);
    return new RepositoryPlan(inventory.name(), keeps(live), deletions(live, selected), null);
  }

  /** Verdicts of all tags but of those that go with their subjects, which is not known yet. */
  private void judgeTags() {
    List<TagRules.Tag> ordinary = new ArrayList<>();
    inventory
        .tags()
        .forEach(
            (tag, digest) -> {
              if (Companion.subject(tag).isEmpty()) {
                ordinary.add(TagRules.Tag.of(tag, digest, since(tag, digest)));
              }
            });
    Map<String, Verdict> ruled = new TagRules(rules.rules(), now).judge(ordinary);
    inventory
        .tags()
        .forEach(
            (tag, digest) -> {
              Optional<Verdict> own = ownReason(tag, digest);
              Optional<Digest> subject = Companion.subject(tag);
              Optional<Verdict> verdict =
                  own.or(
                      () ->
                          subject.isPresent()
                              ? withoutSubject(subject.get())
                              : Optional.ofNullable(ruled.get(tag)));
              verdict.ifPresent(v -> tagVerdicts.put(tag, v));
            });
  }

  private Instant since(String tag, Digest digest) {
    LedgerEntry entry = known.get(digest);
    return entry == null ? now : entry.tags().getOrDefault(tag, now);
  }

  /** Why a tag stays whatever the rules say. */
  private Optional<Verdict> ownReason(String tag, Digest digest) {
    if (policy.protection().inUse()) {
      Optional<String> by = usedTags.user(tag);
      if (by.isPresent()) {
        return by.map(who -> Verdict.of(Reason.IN_USE, who));
      }
    }
    if (policy.protection().protects(tag)) {
      return Optional.of(Verdict.of(Reason.PROTECTED_TAG, "tag " + tag));
    }
    return young(since(tag, digest), "tag " + tag + " seen since ");
  }

  private Optional<Verdict> young(Instant since, String what) {
    if (since.isAfter(now)) {
      return Optional.of(Verdict.of(Reason.AGE_UNKNOWN, what + since + ", which is in the future"));
    }
    return since.plus(policy.grace()).isAfter(now)
        ? Optional.of(Verdict.of(Reason.YOUNG, what + since))
        : Optional.empty();
  }

  /** Of a tag that is named after a digest; empty if that is there, and decides. */
  private Optional<Verdict> withoutSubject(Digest subject) {
    if (inventory.manifests().containsKey(subject)) {
      return Optional.empty();
    }
    return Optional.of(
        hasGone(subject)
            ? Verdict.of(Reason.REFERRER, subject)
            : Verdict.of(Reason.SUBJECT_UNKNOWN, subject));
  }

  /** Not there now, but it was: signatures may also be kept apart from what they sign. */
  private boolean hasGone(Digest digest) {
    return inventory.missing().contains(digest) && known.containsKey(digest);
  }

  /** A digest with a tag that stays, stays; one with tags that all go, by rules, may go. */
  private void judgeTagged(Digest digest, List<String> tags) {
    @Nullable Verdict keeps = null;
    @Nullable Verdict deletes = null;
    for (String tag : tags) {
      Verdict verdict = tagVerdicts.get(tag);
      if (verdict == null) {
        continue;
      }
      if (verdict.deletes()) {
        deletes = deletes == null || verdict.compareTo(deletes) < 0 ? verdict : deletes;
      } else {
        keeps = keeps == null || verdict.compareTo(keeps) < 0 ? verdict : keeps;
      }
    }
    if (keeps != null) {
      root(digest, keeps);
    } else if (deletes != null) {
      seeds.put(digest, deletes);
    }
  }

  private void root(Digest digest, Verdict verdict) {
    roots.merge(digest, verdict, (a, b) -> a.compareTo(b) <= 0 ? a : b);
  }

  private void findRoots() {
    for (ManifestFacts manifest : inventory.manifests().values()) {
      Digest digest = manifest.digest();
      if (policy.protection().inUse()) {
        user(manifest).ifPresent(by -> root(digest, Verdict.of(Reason.IN_USE, by)));
      }
      LedgerEntry entry = known.get(digest);
      if (entry == null) {
        root(digest, Verdict.of(Reason.AGE_UNKNOWN, "the ledger does not know it"));
      } else {
        young(entry.firstSeen(), "seen since ").ifPresent(verdict -> root(digest, verdict));
      }
      labelled(manifest).ifPresent(verdict -> root(digest, verdict));
    }
  }

  private Optional<String> user(ManifestFacts manifest) {
    return uses.digest(manifest.digest())
        .or(() -> Optional.ofNullable(manifest.config()).flatMap(uses::digest));
  }

  /** An index has the labels of its images: of what use would they be without it? */
  private Optional<Verdict> labelled(ManifestFacts manifest) {
    Map<String, String> wanted = policy.protection().labels();
    if (wanted.isEmpty()) {
      return Optional.empty();
    }
    List<ManifestFacts> all = new ArrayList<>();
    all.add(manifest);
    for (Digest child : manifest.children()) {
      ManifestFacts facts = inventory.manifests().get(child);
      if (facts != null) {
        all.add(facts);
      }
    }
    for (ManifestFacts facts : all) {
      if (!facts.labelsKnown()) {
        return Optional.of(Verdict.of(Reason.PROTECTED_LABEL, "its labels are not known"));
      }
      for (var label : new TreeMap<>(wanted).entrySet()) {
        Optional<String> value = facts.label(label.getKey());
        if (value.isPresent()
            && (label.getValue().isEmpty() || value.get().equals(label.getValue()))) {
          return Optional.of(
              Verdict.of(Reason.PROTECTED_LABEL, "label " + label.getKey() + "=" + value.get()));
        }
      }
    }
    return Optional.empty();
  }

  /** Digests without tags, which nothing lists, and nothing that is there has as a referrer. */
  private void findSeeds() {
    for (ManifestFacts manifest : inventory.manifests().values()) {
      Digest digest = manifest.digest();
      Digest subject = manifest.subject();
      LedgerEntry entry = known.get(digest);
      boolean alone =
          !tagsOf.containsKey(digest)
              && !links.isListed(digest)
              && (subject == null || !inventory.manifests().containsKey(subject));
      if (alone && entry != null) {
        selectAlone(digest, subject, entry).ifPresent(verdict -> seeds.put(digest, verdict));
      }
    }
  }

  private Optional<Verdict> selectAlone(
      Digest digest, @Nullable Digest subject, LedgerEntry entry) {
    if (entry.doomed()) {
      return Optional.of(Verdict.of(Reason.UNFINISHED, ""));
    }
    if (subject != null && hasGone(subject)) {
      return Optional.of(Verdict.of(Reason.REFERRER, subject));
    }
    return untagged
        .filter(age -> !entry.idleSince().plus(age).isAfter(now))
        .map(
            age ->
                new Verdict(
                    Reason.UNTAGGED,
                    rules.name() + ".untagged",
                    "without tags since " + entry.idleSince()));
  }

  private Verdict unselected(Digest digest) {
    LedgerEntry entry = known.get(digest);
    return Verdict.of(
        Reason.NO_RULE,
        tagsOf.containsKey(digest) || entry == null
            ? ""
            : "without tags since " + entry.idleSince());
  }

  private List<Keep> keeps(Map<Digest, Step> live) {
    List<Keep> keeps = new ArrayList<>(live.size());
    for (var reached : new TreeMap<>(live).entrySet()) {
      Digest digest = reached.getKey();
      Verdict verdict =
          roots.containsKey(digest)
              ? roots.get(digest)
              : Verdict.of(Reason.REACHABLE, reached.getValue().from());
      keeps.add(new Keep(digest, staying(digest, live), verdict));
    }
    return keeps;
  }

  private List<String> staying(Digest digest, Map<Digest, Step> live) {
    List<String> all = tagsOf.getOrDefault(digest, List.of());
    return keepingTags.contains(digest) || all.stream().allMatch(t -> tagGoes(t, live).isEmpty())
        ? all
        : all.stream().filter(tag -> tagGoes(tag, live).isEmpty()).toList();
  }

  /**
   * What stays for its own sake keeps its tags if all would go: registries have rules of their own
   * for what has none.
   */
  private void keepLastTags(Map<Digest, Step> live) {
    tagsOf.forEach(
        (digest, tags) -> {
          if (roots.containsKey(digest)
              && tags.stream().allMatch(tag -> tagGoes(tag, live).isPresent())) {
            keepingTags.add(digest);
          }
        });
  }

  /** Why a tag goes. */
  private Optional<Verdict> tagGoes(String tag, Map<Digest, Step> live) {
    Verdict verdict = tagVerdicts.get(tag);
    if (verdict != null) {
      return Optional.of(verdict).filter(Verdict::deletes);
    }
    Digest subject = Companion.subject(tag).orElseThrow();
    return live.containsKey(subject)
        ? Optional.empty()
        : Optional.of(Verdict.of(Reason.REFERRER, subject));
  }

  private List<Deletion> deletions(Map<Digest, Step> live, Map<Digest, Step> doomed) {
    List<Deletion> deletions = new ArrayList<>();
    new TreeMap<>(inventory.tags())
        .forEach(
            (tag, digest) -> {
              if (live.containsKey(digest) && !keepingTags.contains(digest)) {
                tagGoes(tag, live).ifPresent(v -> deletions.add(new OfTag(tag, digest, v)));
              }
            });
    Map<Digest, Verdict> verdicts = new HashMap<>();
    Set<Digest> referrers = new HashSet<>();
    doomed.forEach(
        (digest, step) -> {
          Verdict seed = seeds.get(digest);
          Verdict verdict = seed != null ? seed : with(step);
          verdicts.put(digest, verdict);
          if (verdict.reason() == Reason.REFERRER) {
            referrers.add(digest);
          }
        });
    for (Digest digest : links.parentsFirst(doomed.keySet(), referrers)) {
      ManifestFacts facts = Objects.requireNonNull(inventory.manifests().get(digest));
      deletions.add(
          new OfManifest(
              digest,
              tagsOf.getOrDefault(digest, List.of()),
              facts.size(),
              facts.config(),
              facts.blobs(),
              Objects.requireNonNull(verdicts.get(digest))));
    }
    return deletions;
  }

  private static Verdict with(Step step) {
    return Verdict.of(step.asChild() ? Reason.CHILD : Reason.REFERRER, step.from());
  }
}
