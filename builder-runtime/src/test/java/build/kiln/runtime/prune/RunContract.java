package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.PrunePolicy.Limits;
import build.kiln.runtime.prune.RunReport.Outcome;
import build.kiln.runtime.prune.RunReport.Result;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What holds of a run against any registry that deletes. */
abstract class RunContract {
  private static final int ROUNDS = Integer.getInteger("kiln.prune.rounds", 10);

  @TempDir Path folder;
  Desk desk;

  /** {@code host:port} of a registry that is empty. */
  abstract String start() throws IOException, InterruptedException;

  /** Whether a tag can be deleted by itself. */
  abstract boolean deletesTags();

  @BeforeEach
  void open() throws IOException, InterruptedException {
    desk = new Desk(start(), folder);
  }

  @AfterEach
  void close() throws IOException {
    desk.close();
  }

  /** Old enough for everything that was seen. */
  void old() {
    desk.clock.advance(Duration.ofDays(10));
  }

  Plan planNow(int keepLast) throws IOException {
    return desk.plan(desk.policy(keepLast), InUse.NOTHING, "app");
  }

  @Test
  void whatIsNewIsKeptAndWhatIsOldGoesWithAllThatBelongsToIt() throws IOException {
    Descriptor shared = desk.image("app", "shared");
    Descriptor own = desk.image("app", "own of one");
    Descriptor one = desk.index("app:pr-1", own, shared);
    assertThat(planNow(1).deletions()).isZero();
    desk.clock.advance(Duration.ofDays(1));
    Descriptor two = desk.index("app:pr-2", shared);
    Descriptor signature = desk.referrer("app", one, "signature of one");
    Descriptor cosign = desk.image("app:sha256-" + one.digest().hex() + ".sig", "cosign");
    Descriptor kept = desk.referrer("app", two, "signature of two");
    planNow(1);
    old();

    Plan plan = planNow(1);
    RunReport report = desk.executor().execute(plan, "");

    assertThat(plan.stop()).isNull();
    assertThat(report.outcomes()).allSatisfy(o -> assertThat(o.result()).isEqualTo(Result.DELETED));
    for (Descriptor gone : List.of(one, own, signature, cosign)) {
      assertThat(desk.has("app", gone)).isFalse();
    }
    for (Descriptor there : List.of(two, shared, kept)) {
      assertThat(desk.has("app", there)).isTrue();
    }
    assertThat(plan.keptByReason()).containsEntry(Reason.KEEP_LAST, 1);
    assertThat(report.reclaimedBytes())
        .isEqualTo(
            sizes(one, own, signature, cosign)
                + manifestsOfFallbackTag(report)
                + "own of onesignature of onecosign".length()
                + "{'layer':'own of one'}{'layer':'cosign'}".length());
    assertThat(planNow(1).deletions()).isZero();
  }

  /** Where the registry has no list of referrers, an index under a tag goes too. */
  private static long manifestsOfFallbackTag(RunReport report) {
    return report.outcomes().stream()
        .map(Outcome::deletion)
        .filter(Deletion.OfManifest.class::isInstance)
        .map(Deletion.OfManifest.class::cast)
        .filter(m -> m.tags().stream().anyMatch(t -> t.matches("sha256-[0-9a-f]{64}")))
        .mapToLong(Deletion.OfManifest::size)
        .sum();
  }

  private static long sizes(Descriptor... descriptors) {
    return List.of(descriptors).stream().mapToLong(Descriptor::size).sum();
  }

  @Test
  void ofADigestWithATagThatStaysOnlyTheOtherTagGoes() throws IOException {
    Descriptor image = desk.image("app:pr-1", "a");
    desk.image("app:stable", "a");
    desk.image("app:pr-2", "b");
    planNow(1);
    old();
    desk.image("app:pr-3", "c");

    Plan plan = planNow(1);
    RunReport report = desk.executor().execute(plan, "");

    assertThat(plan.repositories().getFirst().deletions())
        .filteredOn(Deletion.OfTag.class::isInstance)
        .extracting(d -> ((Deletion.OfTag) d).tag())
        .containsExactly("pr-1");
    assertThat(desk.has("app", image)).isTrue();
    assertThat(desk.client.head(desk.ref("app:stable"))).isPresent();
    assertThat(desk.client.head(desk.ref("app:pr-1")).isPresent()).isEqualTo(!deletesTags());
    assertThat(desk.client.head(desk.ref("app:pr-2"))).isEmpty();
    if (!deletesTags()) {
      assertThat(report.conditions())
          .extracting(RunReport.Condition::type)
          .containsExactly(RunReport.ConditionType.TagDeleteUnsupported);
      assertThat(report.failed()).isEqualTo(1);
    }
  }

  /** A registry's own rules may delete what has no tag. */
  @Test
  void aDigestThatIsUsedByItselfKeepsItsLastTag() throws IOException {
    Descriptor used = desk.image("app:pr-1", "a");
    planNow(1);
    old();
    desk.image("app:pr-2", "b");
    InUse inUse =
        new InUse(
            List.of(Use.of(desk.ref("app").withDigest(used.digest()), "Pod n/p")),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of());

    Plan plan = desk.plan(desk.policy(1), inUse, "app");

    assertThat(plan.deletions()).isZero();
    assertThat(plan.repositories().getFirst().kept())
        .anySatisfy(keep -> assertThat(keep.tags()).containsExactly("pr-1"));
  }

  @Test
  void aTagThatCameOntoADoomedDigestSavesItAndWhatItNeeds() throws IOException {
    Descriptor child = desk.image("app", "child");
    Descriptor old = desk.index("app:pr-1", child);
    planNow(1);
    old();
    desk.image("app:pr-2", "new");
    Plan plan = planNow(1);
    assertThat(plan.deletedDigests()).isEqualTo(2);

    Descriptor again = desk.index("app:release", child, desk.image("app", "other"));
    RunReport report = desk.executor().execute(plan, "");

    assertThat(report.left()).isEqualTo(2);
    assertThat(report.deleted()).isZero();
    for (Descriptor there : List.of(old, child, again)) {
      assertThat(desk.has("app", there)).isTrue();
    }
  }

  @Test
  void whatCameIntoUseSinceThePlanStays() throws IOException {
    Descriptor old = desk.image("app:pr-1", "a");
    planNow(1);
    old();
    desk.image("app:pr-2", "b");
    Plan plan = planNow(1);
    Use use = Use.of(desk.ref("app").withDigest(old.digest()), "Pod a/b");
    var now = new InUse(List.of(use), List.of(), List.of(), List.of(), List.of(), List.of());

    RunReport report = desk.executor(now).execute(plan, "");

    assertThat(report.left()).isEqualTo(1);
    assertThat(report.outcomes().getFirst().message()).contains("Pod a/b");
    assertThat(desk.has("app", old)).isTrue();
    assertThat(desk.plan(desk.policy(1), now, "app").deletedDigests()).isZero();
  }

  @Test
  void aRunThatWasKilledIsFinishedByTheNext() throws IOException {
    Descriptor own = desk.image("app", "own of one");
    desk.index("app:pr-1", own);
    desk.index("app:pr-2", desk.image("app", "own of two"));
    Descriptor signature =
        desk.referrer("app", desk.client.head(desk.ref("app:pr-1")).orElseThrow(), "s");
    planNow(1);
    old();
    Descriptor last = desk.image("app:pr-3", "c");
    // Referrers are looked for only where something goes, so the signature was not seen before.
    planNow(1);
    desk.clock.advance(Duration.ofDays(2));
    Plan plan = planNow(1);
    int all = plan.deletedDigests();
    assertThat(all).isGreaterThanOrEqualTo(5);

    // As kill -9 does: no code of the run comes after it.
    var killed = new Error("killed");
    var left = new Executor(desk.client, dead(), () -> InUse.NOTHING, desk.clock, dies(killed, 1));
    assertThatThrownBy(() -> left.execute(plan, "")).isSameAs(killed);
    Plan next = desk.plan(withoutUntagged(desk.policy(1)), InUse.NOTHING, "app");
    RunReport report = desk.executor().execute(next, "");

    assertThat(next.deletedDigests()).isEqualTo(all - 1);
    assertThat(report.failed() + report.left()).isZero();
    assertThat(desk.has("app", own)).isFalse();
    assertThat(desk.has("app", signature)).isFalse();
    assertThat(desk.has("app", last)).isTrue();
  }

  private static PrunePolicy withoutUntagged(PrunePolicy policy) {
    PrunePolicy.RegistryRules r = policy.registries().getFirst();
    return new PrunePolicy(
        policy.name(),
        List.of(
            new PrunePolicy.RegistryRules(
                r.name(), r.repositories(), r.exclude(), r.rules(), Optional.empty(), List.of())),
        policy.protection(),
        policy.limits(),
        policy.grace());
  }

  private static Consumer<Outcome> dies(Error death, int after) {
    int[] count = {0};
    return outcome -> {
      if (++count[0] == after) {
        throw death;
      }
    };
  }

  /** A ledger that takes the first change of a run, and nothing after its death. */
  private LedgerBook dead() throws IOException {
    var store = new DirectoryShardStore(folder.resolve("ledger"));
    boolean[] marked = {false};
    return new LedgerBook(
        new ShardStore() {
          @Override
          public Map<String, Stored> load() throws IOException {
            return store.load();
          }

          @Override
          public boolean put(String name, byte[] bytes, @Nullable String version)
              throws IOException {
            boolean first = !marked[0];
            marked[0] = true;
            return first ? store.put(name, bytes, version) : true;
          }

          @Override
          public boolean remove(String name, String version) {
            return true;
          }
        });
  }

  @Test
  void aPlanBeyondTheLimitsNeedsAnApprovalOfItsHash() throws IOException {
    Descriptor one = desk.image("app:pr-1", "a");
    desk.image("app:pr-2", "b");
    planNow(1);
    old();
    desk.image("app:pr-3", "c");
    Plan plan = desk.plan(desk.policy(1, new Limits(1, 100)), InUse.NOTHING, "app");

    RunReport refused = desk.executor().execute(plan, "0000");
    assertThat(refused.stop()).isNotNull();
    assertThat(refused.outcomes()).isEmpty();
    assertThat(desk.has("app", one)).isTrue();

    RunReport done = desk.executor().execute(plan, plan.hash());
    assertThat(done.deleted()).isEqualTo(2);
    assertThat(desk.has("app", one)).isFalse();
  }

  @Test
  void anOldPlanIsRefused() throws IOException {
    desk.image("app:pr-1", "a");
    planNow(1);
    old();
    desk.image("app:pr-2", "b");
    Plan plan = planNow(1);
    desk.clock.advance(Duration.ofHours(2));

    assertThatThrownBy(() -> desk.executor().execute(plan, "")).hasMessageContaining("plan again");
  }

  /** Clients push new content, and new tags on old content, while the policy runs. */
  @Test
  void whatIsPushedWhileItRunsPullsCompletely() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      String repository = "busy" + round;
      List<Descriptor> images = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        images.add(desk.image(repository + ":pr-" + i, round + " image " + i));
      }
      desk.plan(desk.policy(1), InUse.NOTHING, repository);
      old();
      desk.image(repository + ":pr-new", round + " newest");
      Map<String, Digest> pushed = new ConcurrentHashMap<>();
      int seed = round;
      var planned = new CountDownLatch(1);
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> clients = new ArrayList<>();
        for (int c = 0; c < 3; c++) {
          int number = c;
          clients.add(
              threads.submit(
                  () -> {
                    var random = new Random(seed * 31L + number);
                    planned.await(30, TimeUnit.SECONDS);
                    for (int i = 0; i < 4; i++) {
                      String tag = "new-" + number + "-" + i;
                      Descriptor image =
                          desk.image(repository + ":" + tag, seed + tag + random.nextInt());
                      pushed.put(tag, image.digest());
                      String index = "index-" + number + "-" + i;
                      pushed.put(index, desk.index(repository + ":" + index, image).digest());
                    }
                    return null;
                  }));
        }
        // A new tag on old content, after the plan and before its deletions.
        Plan plan = desk.plan(desk.policy(1), InUse.NOTHING, repository);
        assertThat(plan.deletedDigests()).isEqualTo(8);
        Descriptor again = desk.index(repository + ":again", images.get(round % 8));
        pushed.put("again", again.digest());
        planned.countDown();
        desk.executor().execute(plan, "");
        for (Future<?> client : clients) {
          client.get(60, TimeUnit.SECONDS);
        }
      }
      for (var tag : pushed.entrySet()) {
        pullsCompletely(desk.ref(repository + ":" + tag.getKey()), tag.getValue());
      }
    }
  }

  private void pullsCompletely(Reference ref, Digest digest) throws IOException {
    var fetched = desk.client.fetchManifest(ref);
    assertThat(fetched.descriptor().digest()).isEqualTo(digest);
    ManifestFacts facts =
        ManifestFacts.read(digest, fetched.descriptor().mediaType(), fetched.bytes());
    for (Digest child : facts.children()) {
      pullsCompletely(ref.withDigest(child), child);
    }
    for (Blob blob : facts.blobs()) {
      assertThat(desk.client.hasBlob(ref, blob.digest())).isTrue();
    }
  }

  @Test
  void aScanCostsOneRequestATagAndNoContentWhereNothingHasChanged() throws IOException {
    for (int i = 0; i < 20; i++) {
      desk.index("app:v" + i, desk.image("app", "image " + i));
    }
    planNow(1);
    desk.clock.advance(Duration.ofDays(2));
    Plan plan = planNow(1);
    assertThat(plan.examined()).isEqualTo(40);
    costsNothing(20);
  }

  /** What the requests since the last plan but one were, where that can be told. */
  void costsNothing(int tags) {}
}
