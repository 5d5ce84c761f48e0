package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Cases.Case;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * What holds of every plan, on random cases: 5,000, or as many as {@code -Dkiln.prune.cases} says
 * (CI's nightly run says 100,000). The oracle knows only what is certain to be needed and walks by
 * repetition; it shares nothing with the planner.
 */
class PlannerPropertyTest {
  private static final int CASES = Integer.getInteger("kiln.prune.cases", 5_000);
  private static final long SEED = Long.getLong("kiln.prune.seed", 20260601L);

  @Test
  void nothingThatIsNeededGoesAndNothingIsLeftDangling() {
    int deletions = 0;
    int tags = 0;
    Set<Reason> reasons = new HashSet<>();
    for (int i = 0; i < CASES; i++) {
      Cases cases = new Cases(SEED + i);
      Case made = cases.next();
      Plan plan =
          new Planner(made.policy(), made.inUse()).plan(made.inventory(), made.ledger(), Cases.NOW);
      for (RepositoryInventory repository : made.inventory()) {
        RepositoryPlan its = plan.repository(repository.name()).orElseThrow();
        String what = "case " + (SEED + i) + ", " + repository.name();
        everythingIsDecidedOnce(what, repository, its);
        nothingNeededGoes(what, made, repository, its);
        nothingDangles(what, repository, its);
        deletions += its.deletions().size();
        tags += (int) its.deletions().stream().filter(OfTag.class::isInstance).count();
        its.kept().forEach(k -> reasons.add(k.verdict().reason()));
        its.deletions().forEach(d -> reasons.add(d.verdict().reason()));
      }
      Case other = cases.shuffled(made);
      Plan again =
          new Planner(other.policy(), other.inUse())
              .plan(other.inventory(), other.ledger(), Cases.NOW);
      assertThat(again).as("case %d in another order", SEED + i).isEqualTo(plan);
      assertThat(again.hash()).isEqualTo(plan.hash());
      assertThat(plan.reclaimableBytes())
          .as("bytes of %d", SEED + i)
          .isEqualTo(reclaimed(made, plan));
    }
    // The cases are of use: things go, for every reason there is.
    assertThat(deletions).isGreaterThan(CASES);
    assertThat(tags).isGreaterThan(CASES / 50);
    Set<Reason> never = new HashSet<>(Set.of(Reason.values()));
    never.removeAll(reasons);
    assertThat(never).isSubsetOf(Reason.TAGS_VANISHED, Reason.USE_OF_OTHERS_UNKNOWN);
  }

  private static void everythingIsDecidedOnce(
      String what, RepositoryInventory repository, RepositoryPlan plan) {
    Map<Digest, Integer> times = new HashMap<>();
    Set<String> tags = new HashSet<>();
    plan.kept().forEach(k -> times.merge(k.digest(), 1, Integer::sum));
    plan.kept().forEach(k -> tags.addAll(k.tags()));
    for (Deletion deletion : plan.deletions()) {
      assertThat(deletion.verdict().deletes()).as(what).isTrue();
      switch (deletion) {
        case OfTag t -> {
          assertThat(tags.add(t.tag())).as(what).isTrue();
          assertThat(repository.tags()).as(what).containsEntry(t.tag(), t.digest());
        }
        case OfManifest m -> {
          times.merge(m.digest(), 1, Integer::sum);
          tags.addAll(m.tags());
          Set<String> on =
              repository.tags().entrySet().stream()
                  .filter(e -> e.getValue().equals(m.digest()))
                  .map(Map.Entry::getKey)
                  .collect(Collectors.toSet());
          assertThat(Set.copyOf(m.tags())).as(what).isEqualTo(on);
        }
      }
    }
    assertThat(times.values()).as(what).allMatch(n -> n == 1);
    assertThat(times.keySet()).as(what).isEqualTo(repository.manifests().keySet());
    assertThat(tags).as(what).isEqualTo(repository.tags().keySet());
  }

  /** What is certain: use, protection, grace, what no rule matches, and all that these need. */
  private static void nothingNeededGoes(
      String what, Case made, RepositoryInventory repository, RepositoryPlan plan) {
    Set<Digest> gone =
        plan.deletions().stream()
            .filter(OfManifest.class::isInstance)
            .map(Deletion::digest)
            .collect(Collectors.toSet());
    Set<String> goneTags =
        plan.deletions().stream()
            .filter(OfTag.class::isInstance)
            .map(d -> ((OfTag) d).tag())
            .collect(Collectors.toSet());
    if (repository.failure() != null) {
      assertThat(plan.deletions()).as(what).isEmpty();
      return;
    }
    PrunePolicy policy = made.policy();
    Map<Digest, LedgerEntry> known = made.ledger().repository(repository.name());
    Set<Digest> needed = new HashSet<>();
    repository
        .tags()
        .forEach(
            (tag, digest) -> {
              LedgerEntry entry = known.get(digest);
              boolean companion = tag.startsWith("sha256-");
              boolean ruled =
                  policy.registries().getFirst().rules().stream().anyMatch(r -> r.matches(tag));
              boolean fresh =
                  entry == null
                      || !entry.tags().containsKey(tag)
                      || entry.tags().get(tag).isAfter(Cases.NOW.minus(Duration.ofHours(24)));
              boolean named =
                  policy.protection().inUse()
                      && made.inUse().uses().stream()
                          .anyMatch(
                              u ->
                                  u.tags().contains(tag)
                                      && u.repository() != null
                                      && u.repository()
                                          .endsWith(
                                              repository.name().substring("r.example".length())));
              boolean guarded =
                  policy.protection().tags().stream().anyMatch(p -> p.matcher(tag).find());
              if (fresh || named || guarded || (!companion && !ruled)) {
                needed.add(digest);
                assertThat(goneTags).as(what).doesNotContain(tag);
              }
            });
    for (ManifestFacts manifest : repository.manifests().values()) {
      LedgerEntry entry = known.get(manifest.digest());
      boolean fresh =
          entry == null || entry.firstSeen().isAfter(Cases.NOW.minus(Duration.ofHours(24)));
      boolean labelled =
          !policy.protection().labels().isEmpty()
              && (manifest.labels() == null
                  ? manifest.config() != null
                  : manifest.labels().containsKey("keep"));
      boolean used =
          policy.protection().inUse()
              && made.inUse().uses().stream()
                  .anyMatch(
                      u ->
                          u.digest() != null
                              && (u.digest().equals(manifest.digest())
                                  || u.digest().equals(manifest.config())));
      if (fresh || labelled || used) {
        needed.add(manifest.digest());
      }
    }
    // Whatever stays is needed too: so nothing that it lists may go.
    repository.manifests().keySet().stream().filter(d -> !gone.contains(d)).forEach(needed::add);
    boolean grew = true;
    while (grew) {
      grew = false;
      for (ManifestFacts manifest : repository.manifests().values()) {
        if (needed.contains(manifest.digest())) {
          grew |= needed.addAll(manifest.children());
        }
        Digest subject = manifest.subject();
        if (subject != null
            && repository.manifests().containsKey(subject)
            && needed.contains(subject)) {
          grew |= needed.add(manifest.digest());
        }
      }
      for (var tag : repository.tags().entrySet()) {
        for (Digest digest : Set.copyOf(needed)) {
          if (repository.manifests().containsKey(digest)
              && tag.getKey().startsWith("sha256-" + digest.hex())) {
            grew |= needed.add(tag.getValue());
            assertThat(goneTags).as(what).doesNotContain(tag.getKey());
          }
        }
      }
    }
    assertThat(gone).as(what).noneMatch(needed::contains);
  }

  /** After each deletion: what is still there lists nothing that has gone, but in circles. */
  private static void nothingDangles(
      String what, RepositoryInventory repository, RepositoryPlan plan) {
    Set<Digest> gone = new HashSet<>();
    boolean manifests = false;
    for (Deletion deletion : plan.deletions()) {
      if (deletion instanceof OfTag) {
        assertThat(manifests).as(what + ": tags go first").isFalse();
        continue;
      }
      manifests = true;
      gone.add(deletion.digest());
      for (ManifestFacts manifest : repository.manifests().values()) {
        if (!gone.contains(manifest.digest())
            && manifest.children().contains(deletion.digest())
            && !leads(repository, deletion.digest(), manifest.digest())) {
          throw new AssertionError(
              what + ": " + manifest.digest() + " lists " + deletion.digest() + ", which has gone");
        }
      }
    }
  }

  private static boolean leads(RepositoryInventory repository, Digest from, Digest to) {
    Set<Digest> reached = new HashSet<>(Set.of(from));
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Digest digest : Set.copyOf(reached)) {
        ManifestFacts manifest = repository.manifests().get(digest);
        grew |= manifest != null && reached.addAll(manifest.children());
      }
    }
    return reached.contains(to);
  }

  private static long reclaimed(Case made, Plan plan) {
    Map<Digest, Long> blobs = new HashMap<>();
    long documents = 0;
    Set<Digest> needed = new HashSet<>();
    for (RepositoryInventory repository : made.inventory()) {
      List<Digest> gone =
          plan.repository(repository.name()).orElseThrow().deletions().stream()
              .filter(OfManifest.class::isInstance)
              .map(Deletion::digest)
              .toList();
      for (ManifestFacts manifest : repository.manifests().values()) {
        if (gone.contains(manifest.digest())) {
          documents += manifest.size();
          manifest.blobs().forEach(b -> blobs.put(b.digest(), b.size()));
        } else {
          manifest.blobs().forEach(b -> needed.add(b.digest()));
        }
      }
    }
    blobs.keySet().removeAll(needed);
    return documents + blobs.values().stream().mapToLong(Long::longValue).sum();
  }
}
