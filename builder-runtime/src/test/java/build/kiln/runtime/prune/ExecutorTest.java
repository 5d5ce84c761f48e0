package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.prune.LedgerEntry.State;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.RunReport.ConditionType;
import build.kiln.runtime.prune.RunReport.Outcome;
import build.kiln.runtime.prune.RunReport.Result;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What changes while a plan is carried out, and what the ledger says after it. */
class ExecutorTest {
  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private Desk desk;

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
    desk = new Desk(registry.host(), folder);
  }

  @AfterEach
  void stop() throws IOException {
    desk.close();
    registry.close();
  }

  private Plan planNow(int keepLast) throws IOException {
    return desk.plan(desk.policy(keepLast), InUse.NOTHING, "app");
  }

  /** Of three images of which the newest stays. */
  private Plan twoOfThree() throws IOException {
    desk.image("app:pr-1", "a");
    desk.image("app:pr-2", "b");
    planNow(1);
    desk.clock.advance(Duration.ofDays(10));
    desk.image("app:pr-3", "c");
    Plan plan = planNow(1);
    assertThat(plan.deletedDigests()).isEqualTo(2);
    return plan;
  }

  private static InUse uses(Use use) {
    return new InUse(List.of(use), List.of(), List.of(), List.of(), List.of(), List.of());
  }

  private State state(Descriptor manifest) throws IOException {
    return desk.book
        .load()
        .entry(registry.host() + "/app", manifest.digest())
        .orElseThrow()
        .state();
  }

  @Test
  void whatComesIntoUseBetweenTwoDeletionsStays() throws IOException {
    Plan plan = twoOfThree();
    Deletion second = plan.repositories().getFirst().deletions().get(1);
    var begun = new AtomicBoolean();
    Use use = Use.of(desk.ref("app").withDigest(second.digest()), "Pod a/b");
    Executor.CurrentUse now = () -> begun.get() ? uses(use) : InUse.NOTHING;
    var executor = new Executor(desk.client, desk.book, now, desk.clock, o -> begun.set(true));

    RunReport report = executor.execute(plan, "");

    assertThat(report.outcomes())
        .extracting(Outcome::result)
        .containsExactly(Result.DELETED, Result.LEFT);
    assertThat(report.outcomes().getLast().message()).contains("Pod a/b");
    assertThat(desk.client.head(desk.ref("app").withDigest(second.digest()))).isPresent();
  }

  /** Pods say the digest of what they run, whatever tag they were started by. */
  @Test
  void aTagOfWhatIsUsedByItsDigestGoesIfAnotherStays() throws IOException {
    Descriptor image = desk.image("app:pr-1", "a");
    desk.image("app:stable", "a");
    planNow(1);
    desk.clock.advance(Duration.ofDays(10));
    desk.image("app:pr-2", "b");
    InUse used = uses(Use.of(desk.ref("app").withDigest(image.digest()), "Pod a/b"));

    RunReport report = desk.executor(used).execute(desk.plan(desk.policy(1), used, "app"), "");

    assertThat(report.untagged()).isEqualTo(1);
    assertThat(desk.client.listTags(desk.ref("app"))).containsExactlyInAnyOrder("stable", "pr-2");
  }

  @Test
  void theLastTagOfWhatComesIntoUseByItsDigestStays() throws IOException {
    Descriptor child = desk.image("app:pr-1", "a");
    desk.index("app:stable", child);
    planNow(1);
    desk.clock.advance(Duration.ofDays(10));
    desk.image("app:pr-2", "b");
    Plan plan = planNow(1);
    assertThat(plan.deletions()).isEqualTo(1);

    RunReport report =
        desk.executor(uses(Use.of(desk.ref("app").withDigest(child.digest()), "Pod a/b")))
            .execute(plan, "");

    assertThat(report.left()).isEqualTo(1);
    assertThat(desk.client.listTags(desk.ref("app"))).contains("pr-1");
  }

  /** By the digest of its configuration, as nodes do. */
  @Test
  void whatANodeRunsByItsConfigurationStays() throws IOException {
    Plan plan = twoOfThree();
    Deletion.OfManifest first =
        (Deletion.OfManifest) plan.repositories().getFirst().deletions().getFirst();
    InUse now = uses(Use.ofDigest(Objects.requireNonNull(first.config()), "Pod a/b"));

    RunReport report = desk.executor(now).execute(plan, "");

    assertThat(report.deleted()).isZero();
    assertThat(report.left()).isEqualTo(2);
  }

  @Test
  void aPlanIsNotCarriedOnWhenItHasBecomeTooOld() throws IOException {
    Plan plan = twoOfThree();
    var executor =
        new Executor(
            desk.client,
            desk.book,
            () -> InUse.NOTHING,
            desk.clock,
            outcome -> desk.clock.advance(Executor.PLAN_LIFETIME.plusSeconds(1)));

    RunReport report = executor.execute(plan, "");

    assertThat(report.deleted()).isEqualTo(1);
    assertThat(report.left()).isEqualTo(1);
    assertThat(report.outcomes().getLast().message()).contains("plan again");
  }

  private PrunePolicy withoutUntagged() {
    PrunePolicy policy = desk.policy(1);
    RegistryRules r = policy.registries().getFirst();
    return new PrunePolicy(
        policy.name(),
        List.of(
            new RegistryRules(
                r.name(), r.repositories(), r.exclude(), r.rules(), Optional.empty(), List.of())),
        policy.protection(),
        policy.limits(),
        policy.grace());
  }

  @Test
  void whatWasLeftIsNotDeletedLaterThoughNoRuleSelectsIt() throws IOException {
    Descriptor image = desk.image("app:latest", "a");
    desk.clock.advance(Duration.ofHours(1));
    planNow(1);
    desk.image("app:latest", "b");
    planNow(1);
    desk.clock.advance(Duration.ofDays(10));
    Plan plan = planNow(1);
    assertThat(plan.deletedDigests()).isEqualTo(1);
    InUse now = uses(Use.of(desk.ref("app").withDigest(image.digest()), "Pod a/b"));

    assertThat(desk.executor(now).execute(plan, "").left()).isEqualTo(1);

    assertThat(state(image)).isEqualTo(State.THERE);
    Plan later = desk.plan(withoutUntagged(), InUse.NOTHING, "app");
    assertThat(later.deletions()).isZero();
    assertThat(later.keptByReason()).containsEntry(Reason.NO_RULE, 2);
  }

  @Test
  void whatFailedIsNotMarkedAnyMoreAndWhatWentIsGone() throws IOException {
    Plan plan = twoOfThree();
    Deletion second = plan.repositories().getFirst().deletions().get(1);
    registry
        .faults()
        .always("DELETE", second.digest().toString(), Fault.error(500, "UNKNOWN", "broken"));

    assertThat(desk.executor().execute(plan, "").failed()).isEqualTo(1);

    Map<?, LedgerEntry> known = desk.book.load().repository(registry.host() + "/app");
    assertThat(known.values())
        .extracting(LedgerEntry::state)
        .containsExactlyInAnyOrder(State.GONE, State.THERE, State.THERE);
    assertThat(known.values())
        .filteredOn(entry -> entry.state() == State.GONE)
        .allSatisfy(entry -> assertThat(entry.tags()).isEmpty());
  }

  @Test
  void aLedgerThatFailsInTheEndDoesNotLoseTheReport() throws IOException {
    Plan plan = twoOfThree();
    var full = new AtomicBoolean();
    var store = new DirectoryShardStore(folder.resolve("ledger"));
    var book =
        new LedgerBook(
            new ShardStore() {
              @Override
              public Map<String, Stored> load() throws IOException {
                return store.load();
              }

              @Override
              public boolean put(String name, byte[] bytes, @Nullable String version)
                  throws IOException {
                if (full.get()) {
                  throw new IOException("No space left on device");
                }
                return store.put(name, bytes, version);
              }

              @Override
              public boolean remove(String name, String version) throws IOException {
                return store.remove(name, version);
              }
            });
    var executor =
        new Executor(desk.client, book, () -> InUse.NOTHING, desk.clock, o -> full.set(true));

    RunReport report = executor.execute(plan, "");

    assertThat(report.deleted()).isEqualTo(2);
    assertThat(report.conditions())
        .singleElement()
        .satisfies(
            condition -> {
              assertThat(condition.type()).isEqualTo(ConditionType.StateNotKept);
              assertThat(condition.message()).contains("No space left");
            });
  }

  @Test
  void aRepositoryThatWasEmptiedByRunsIsRead() throws IOException {
    for (int i = 0; i < 12; i++) {
      desk.image("app:pr-" + i, "image " + i);
    }
    planNow(0);
    desk.clock.advance(Duration.ofDays(10));
    assertThat(desk.executor().execute(planNow(0), "").deleted()).isEqualTo(12);

    Plan next = planNow(0);
    assertThat(next.repositories().getFirst().untouched()).isNull();
    assertThat(next.examined()).isZero();
  }

  @Test
  void aRepositoryThatIsNotThereAnyMoreIsForgotten() throws IOException {
    desk.image("app:pr-1", "a");
    planNow(1);
    registry.faults().always("GET", "tags/list", Fault.error(404, "NAME_UNKNOWN", "no"));

    Plan there = planNow(1);
    assertThat(there.repositories().getFirst().untouched())
        .as("its tag is there still")
        .extracting(Verdict::reason)
        .isEqualTo(Reason.REPOSITORY_UNREADABLE);

    registry.faults().always("*", "/manifests/", Fault.error(404, "NAME_UNKNOWN", "no"));
    Plan gone = planNow(1);
    assertThat(gone.repositories().getFirst().untouched()).isNull();
    assertThat(desk.book.load().tags(registry.host() + "/app")).isEmpty();
    desk.clock.advance(Ledger.MEMORY.plusDays(1));
    planNow(1);
    assertThat(desk.book.load().repositories()).doesNotContainKey(registry.host() + "/app");
  }

  @Test
  void aRegistryThatDeletesWhatATagPointsAtIsNotAskedAgain() throws IOException {
    Descriptor image = desk.image("app:pr-1", "a");
    desk.image("app:pr-2", "a");
    desk.image("app:stable", "a");
    planNow(1);
    desk.clock.advance(Duration.ofDays(10));
    desk.image("app:pr-3", "c");
    Plan plan = planNow(1);
    assertThat(plan.repositories().getFirst().deletions())
        .hasSize(2)
        .allMatch(Deletion.OfTag.class::isInstance);
    registry
        .faults()
        .always("HEAD", image.digest().toString(), Fault.error(404, "MANIFEST_UNKNOWN", "gone"));

    RunReport report = desk.executor().execute(plan, "");

    assertThat(registry.requests().count("DELETE", "")).isEqualTo(1);
    assertThat(report.failed()).isEqualTo(2);
    assertThat(report.untagged()).isZero();
    assertThat(report.conditions())
        .singleElement()
        .satisfies(
            condition -> {
              assertThat(condition.type()).isEqualTo(ConditionType.TagDeleteUnsupported);
              assertThat(condition.where()).isEqualTo(registry.host());
              assertThat(condition.message()).contains("push it again");
            });
  }

  @Test
  void aRegistryThatDeletesOnlyTagsIsLookedAtOnce() throws IOException {
    Descriptor image = desk.image("app:pr-1", "a");
    desk.image("app:pr-2", "a");
    desk.image("app:stable", "a");
    planNow(1);
    desk.clock.advance(Duration.ofDays(10));
    desk.image("app:pr-3", "c");
    Plan plan = planNow(1);
    registry.requests().clear();

    RunReport report = desk.executor().execute(plan, "");

    assertThat(report.untagged()).isEqualTo(2);
    assertThat(registry.requests().count("HEAD", image.digest().toString())).isEqualTo(1);
    assertThat(desk.book.load().tags(registry.host() + "/app").keySet())
        .containsExactlyInAnyOrder("stable", "pr-3");
  }
}
