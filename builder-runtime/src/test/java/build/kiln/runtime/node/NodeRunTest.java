package build.kiln.runtime.node;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec.NodeLimits;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.NodeOutcome;
import build.kiln.api.work.NodeOutcome.Failure;
import build.kiln.runtime.cri.FakeRuntime;
import build.kiln.runtime.cri.FakeRuntime.Container;
import build.kiln.runtime.cri.FakeRuntime.Image;
import build.kiln.runtime.node.NodeReport.Result;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs on a node whose runtime is a fake that speaks CRI. */
@Timeout(60)
class NodeRunTest {
  private static final Instant START = Instant.parse("2026-11-27T12:00:00Z");
  private static final String USED = FakeRuntime.id("used");
  private static final String EXITED = FakeRuntime.id("exited");
  private static final String VOLUME = FakeRuntime.id("volume");
  private static final String PINNED = FakeRuntime.id("pinned");
  private static final String PAUSE = FakeRuntime.id("sandbox");
  private static final String LOADED = FakeRuntime.id("loaded");
  private static final String OLD = FakeRuntime.id("old");
  private static final String TWO = FakeRuntime.id("two");

  private final Path folder;
  private final Path socket;
  private final MutableClock clock = new MutableClock();
  private final Memory memory = new Memory();
  private final List<String> lines = new ArrayList<>();
  private FakeRuntime runtime;
  private @Nullable List<String> tags;

  /** What is kept between runs. */
  private static final class Memory implements NodeStore {
    private byte @Nullable [] bytes;
    private int saves;

    /** From which of the saves on none is taken. */
    private int full = Integer.MAX_VALUE;

    private boolean killed;

    @Override
    public Optional<byte[]> load() {
      return Optional.ofNullable(bytes);
    }

    @Override
    public void save(byte[] report) throws IOException {
      if (killed && saves > 0) {
        throw new InterruptedIOException("the pod was killed");
      }
      if (saves++ >= full) {
        throw new IOException("the API answered 507");
      }
      bytes = report;
    }

    NodeReport report() {
      return Json.read(json(), NodeReport.class, "report");
    }

    byte[] json() {
      return requireNonNull(bytes);
    }
  }

  NodeRunTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.socket = folder.resolve("cri.sock");
    this.runtime = new FakeRuntime(socket);
  }

  @BeforeEach
  void fill() {
    clock.set(START);
    runtime.pulled(USED, "r.io/used:1").container("c1", USED, 1);
    runtime.pulled(EXITED, "r.io/exited:1").container("c2", EXITED, 2);
    runtime.pulled(VOLUME, "r.io/volume:1");
    runtime.containers.put(
        "c3", new Container("c3", USED, USED, USED, 1, List.of("r.io/volume:1")));
    runtime.with(new Image(PINNED, List.of("r.io/pin:1"), List.of("r.io/pin@" + PINNED), 1, true));
    runtime.pulled(PAUSE, "r.io/infra/holder:3.10");
    runtime.sandboxes.put("s1", "{\"image\":\"r.io/infra/holder:3.10\"}");
    runtime.info.put("config", "{\"containerd\":{}}");
    runtime.with(new Image(LOADED, List.of("r.io/loaded:1"), List.of(), 1, false));
    runtime.pulled(OLD, "r.io/old:1");
    runtime.with(
        new Image(
            TWO,
            List.of("r.io/two:1", "r.io/two:2", "mirror.io/two:1"),
            List.of("r.io/two@" + OLD, "mirror.io/two@" + OLD),
            500,
            false));
  }

  @AfterEach
  void stop() throws IOException {
    runtime.close();
  }

  private NodeOutcome run(boolean dryRun) throws IOException {
    return run(dryRun, new NodeLimits(100, 100));
  }

  /** Where the policy says that what is in r.io can be pulled again. */
  private NodeOutcome runWithPulled(boolean dryRun) throws IOException {
    return run(
        dryRun,
        new Nodes(
            "168h", null, null, null, List.of("r.io/*", "mirror.io/*"), new NodeLimits(100, 100)));
  }

  private NodeOutcome run(boolean dryRun, NodeLimits limits) throws IOException {
    return run(dryRun, new Nodes("168h", null, null, null, null, limits));
  }

  private NodeOutcome run(boolean dryRun, Nodes nodes) throws IOException {
    lines.clear();
    memory.saves = 0;
    var order = new NodeOrder("nightly", "uid-1", 7, "node-1", "uid-2", dryRun, "24h", nodes, tags);
    return new NodeRun(order, socket, memory, clock, lines::add).run();
  }

  /** A run each day, so that what is unused goes in the next. */
  private void age() throws IOException {
    assertThat(run(true).removed()).isZero();
    for (int day = 0; day < 8; day++) {
      clock.advance(Duration.ofDays(1));
      run(true);
    }
  }

  private Map<String, NodeReport.Image> reported() {
    Map<String, NodeReport.Image> images = new HashMap<>();
    memory.report().images().forEach(image -> images.put(image.id(), image));
    return images;
  }

  private NodeReport.Image reported(String id) {
    return requireNonNull(reported().get(id), id);
  }

  @Test
  void whatIsUnusedGoesAndEverythingElseStaysForAReason() throws IOException {
    NodeOutcome first = run(false);
    assertThat(first.succeeded()).isTrue();
    assertThat(first.examined()).isEqualTo(8);
    assertThat(first.removed()).isZero();
    assertThat(first.kept())
        .containsExactly(
            new Kept("PINNED", 1),
            new Kept("SANDBOX", 1),
            new Kept("IN_USE", 3),
            new Kept("NOT_PULLED", 1),
            new Kept("YOUNG", 2));

    age();
    NodeOutcome dry = run(true);
    assertThat(dry.dryRun()).isTrue();
    assertThat(dry.removed()).isEqualTo(2);
    assertThat(runtime.removals()).isEmpty();
    assertThat(lines.getFirst()).startsWith("PLANNED r.io/").contains("no container of it");

    NodeOutcome done = run(false);
    assertThat(done.succeeded()).as(done.message()).isTrue();
    assertThat(done.removed()).isEqualTo(2);
    assertThat(done.reclaimedBytes()).isEqualTo(1500);
    assertThat(done.images()).containsExactlyInAnyOrder("r.io/old:1", "r.io/two:1");
    assertThat(runtime.images).containsOnlyKeys(USED, EXITED, VOLUME, PINNED, PAUSE, LOADED);
    assertThat(runtime.removals())
        .as("by ID, once, though it has three names")
        .containsExactlyInAnyOrder("RemoveImage " + OLD, "RemoveImage " + TWO);
    assertThat(reported(EXITED).detail()).isEqualTo("container app of pod shop/pod-c2 (exited)");
    assertThat(reported(VOLUME).detail())
        .isEqualTo("a volume of container app of pod shop/pod-c3 (running)");
    assertThat(reported(TWO).result()).isEqualTo(Result.REMOVED);
    assertThat(memory.report().runtime()).isEqualTo("containerd 1.2.3");

    NodeOutcome again = run(false);
    assertThat(again.examined()).isEqualTo(6);
    assertThat(again.removed()).isZero();
  }

  @Test
  void whatIsPulledAgainIsNew() throws IOException {
    age();
    run(false);
    runtime.pulled(OLD, "r.io/old:1");
    NodeOutcome outcome = run(false);
    assertThat(outcome.removed()).isZero();
    assertThat(reported(OLD).reason()).isEqualTo(NodeReason.YOUNG);
  }

  @Test
  void theSandboxImageOfTheConfigurationStays() throws IOException {
    runtime.sandboxes.clear();
    for (String config :
        List.of(
            "{\"sandboxImage\":\"r.io/infra/holder:3.10\"}",
            "{\"a\":{\"pinnedImages\":{\"sandbox\":\"r.io/infra/holder:3.10\"}}}",
            "[crio.image]\n  pause_image = \"r.io/infra/holder:3.10\"\n",
            "\"[crio.image]\\npause_image = \\\"r.io/infra/holder:3.10\\\"\\n\"")) {
      runtime.info.put("config", config);
      run(true);
      assertThat(reported(PAUSE).reason()).as(config).isEqualTo(NodeReason.SANDBOX);
    }
  }

  @Test
  void aContainerThatComesBetweenTheLooksKeepsItsImage() throws IOException {
    age();
    onCall("RemoveImage " + first(), (r, image) -> r.container("late", other(), 0));
    NodeOutcome outcome = run(false);
    assertThat(outcome.succeeded()).isTrue();
    assertThat(outcome.removed()).isEqualTo(1);
    assertThat(outcome.left()).isEqualTo(1);
    assertThat(runtime.images).containsKey(other());
    assertThat(reported(other()).detail())
        .isEqualTo("in use meanwhile by container app of pod shop/pod-late (created)");
  }

  @Test
  void whatIsPulledOrPinnedOrGoneBetweenTheLooksIsLeft() throws IOException {
    age();
    onCall(
        "ListContainers",
        (r, argument) -> {
          r.pulled(OLD, "r.io/new-name:1");
          r.images.remove(TWO);
        });
    NodeOutcome outcome = run(false);
    assertThat(outcome.removed()).isZero();
    assertThat(outcome.left()).isEqualTo(1);
    assertThat(reported(OLD).detail()).contains("other names meanwhile");
    assertThat(reported(TWO).result()).isEqualTo(Result.GONE);
    assertThat(runtime.removals()).isEmpty();
  }

  @Test
  void aRefusalIsToldAndTheRestGoes() throws IOException {
    age();
    runtime.hook =
        (method, argument) ->
            method.equals("RemoveImage") && argument.equals(OLD) ? "image is in use" : null;
    NodeOutcome outcome = run(false);
    assertThat(outcome.succeeded()).isFalse();
    assertThat(outcome.failure()).isEqualTo(Failure.RuntimeFailed);
    assertThat(outcome.failed()).isEqualTo(1);
    assertThat(outcome.removed()).isEqualTo(1);
    assertThat(outcome.message())
        .startsWith("1 images could not be removed, such as r.io/old:1: ")
        .contains("image is in use");
    assertThat(runtime.images).containsKey(OLD).doesNotContainKey(TWO);
    runtime.hook = (method, argument) -> null;
    assertThat(run(false).removed()).as("the next run does it").isEqualTo(1);
  }

  @Test
  void aRuntimeThatKeepsWhatItSaysItRemovedIsNotBelieved() throws IOException {
    age();
    Image old = requireNonNull(runtime.images.get(OLD));
    runtime.hook =
        (method, argument) -> {
          if (runtime.removals().contains("RemoveImage " + OLD)) {
            runtime.images.put(OLD, old);
          }
          return null;
        };
    NodeOutcome outcome = run(false);
    assertThat(outcome.failed()).isEqualTo(1);
    assertThat(outcome.message()).contains("still has it");
  }

  @Test
  void aRuntimeThatGoesAwayEndsTheRemovals() throws IOException {
    age();
    onCall(
        "RemoveImage " + first(),
        (r, argument) -> {
          try {
            r.close();
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
    NodeOutcome outcome = run(false);
    assertThat(outcome.failure()).isEqualTo(Failure.RuntimeFailed);
    assertThat(outcome.failed()).isEqualTo(1);
    assertThat(outcome.left()).isEqualTo(1);
    assertThat(outcome.message()).contains("went away");
  }

  @Test
  void aMissingSocketIsTheOutcome() throws IOException {
    var order =
        new NodeOrder(
            "p",
            "u",
            1,
            "n",
            "u",
            true,
            "24h",
            new Nodes("168h", null, null, null, null, new NodeLimits(1, 1)),
            null);
    NodeOutcome outcome =
        new NodeRun(order, folder.resolve("none.sock"), memory, clock, lines::add).run();
    assertThat(outcome.failure()).isEqualTo(Failure.RuntimeFailed);
    assertThat(outcome.message()).contains("there is no such socket");
  }

  @Test
  void aListThatFailsRemovesNothing() throws IOException {
    age();
    for (String call :
        List.of(
            "ListImages",
            "ListContainers",
            "ContainerStatus",
            "ListPodSandbox",
            "PodSandboxStatus",
            "Status")) {
      runtime.hook = (method, argument) -> method.equals(call) ? "the database is locked" : null;
      runtime.calls.clear();
      NodeOutcome outcome = run(false);
      assertThat(outcome.failure()).as(call).isEqualTo(Failure.RuntimeFailed);
      assertThat(outcome.message()).as(call).contains("the database is locked");
      assertThat(runtime.removals()).as(call).isEmpty();
    }
  }

  @Test
  void limitsStopARunAndOnlyWarnADryOne() throws IOException {
    age();
    var one = new NodeLimits(1, 100);
    NodeOutcome dry = run(true, one);
    assertThat(dry.succeeded()).isTrue();
    assertThat(dry.message()).startsWith("it would be stopped: 2 images would be removed");
    NodeOutcome outcome = run(false, one);
    assertThat(outcome.failure()).isEqualTo(Failure.LimitsExceeded);
    assertThat(outcome.message()).contains("nodes.limits.maxDeletions (1)");
    assertThat(runtime.removals()).isEmpty();
    assertThat(memory.report().stop()).isEqualTo(outcome.message());
    assertThat(run(false).removed()).as("what was seen is remembered").isEqualTo(2);
  }

  @Test
  void aMemoryThatCannotBeKeptIsToldWithWhatWasDone() throws IOException {
    age();
    memory.full = 1;
    NodeOutcome outcome = run(false);
    assertThat(outcome.failure()).isEqualTo(Failure.StateNotKept);
    assertThat(outcome.message()).contains("507");
    assertThat(outcome.removed()).isEqualTo(2);
    assertThat(reported(OLD).result()).isEqualTo(Result.REMOVING);
  }

  @Test
  void nothingGoesWhoseAgeCannotBeForgottenBefore() throws IOException {
    age();
    memory.full = 0;
    NodeOutcome outcome = run(false);
    assertThat(outcome.failure()).isEqualTo(Failure.StateNotKept);
    assertThat(outcome.message()).contains("507", "nothing was removed");
    assertThat(runtime.removals()).isEmpty();
  }

  @Test
  void whatAKilledRunRemovedIsNewWhenItComesAgain() throws IOException {
    age();
    memory.killed = true;
    assertThatThrownBy(() -> run(false)).isInstanceOf(InterruptedIOException.class);
    assertThat(runtime.removals()).hasSize(2);
    memory.killed = false;
    runtime.pulled(OLD, "r.io/old:1");
    assertThat(run(false).removed()).isZero();
    assertThat(reported(OLD).reason()).isEqualTo(NodeReason.YOUNG);
  }

  @Test
  void aTimeWithoutRunsIsNoTimeWithoutUse() throws IOException {
    run(false);
    clock.advance(Duration.ofDays(365));
    assertThat(run(false).removed()).isZero();
    assertThat(reported(OLD).reason()).isEqualTo(NodeReason.RECENTLY_USED);
  }

  @Test
  void whatNoSchemaLetsThroughIsRefused() throws IOException {
    var limits = new NodeLimits(100, 100);
    for (Nodes nodes :
        List.of(
            new Nodes("30m", null, null, null, null, limits),
            new Nodes("-1h", null, null, null, null, limits),
            new Nodes("168h", null, null, null, null, new NodeLimits(0, 100)),
            new Nodes("168h", null, null, null, null, new NodeLimits(100, 101)))) {
      NodeOutcome outcome = run(false, nodes);
      assertThat(outcome.succeeded()).isFalse();
      assertThat(outcome.message()).contains("nodes.");
    }
    tags = List.of("(");
    assertThat(run(false).message()).contains("protect.tags[0]", "no regular expression");
    assertThat(runtime.removals()).isEmpty();
  }

  @Test
  void protectedTagsStay() throws IOException {
    age();
    tags = List.of("^nothing$", "^2$");
    assertThat(run(false).images()).containsExactly("r.io/old:1");
    assertThat(reported(TWO).rule()).isEqualTo("protect.tags[1]");
    assertThat(reported(TWO).detail()).isEqualTo("r.io/two:2 has a tag of ^2$");
  }

  /** CRI-O gives each name a digest, and one that has no tag another name by the one question. */
  @Test
  void onCrioOnlyWhatThePolicyCallsPulledGoes() throws IOException {
    runtime.name = "cri-o";
    runtime.with(
        new Image(LOADED, List.of("loaded.io/a:1"), List.of("loaded.io/a@" + LOADED), 1, false));
    runtime.with(new Image(OLD, List.of(), List.of("r.io/old@" + OLD), 1000, false));
    runtime.status =
        image ->
            image.tags().isEmpty()
                ? new Image(image.id(), List.of(), List.of("<none>@" + OLD), 1000, false)
                : image;
    for (int day = 0; day < 8; day++) {
      assertThat(run(false).removed()).as("nothing is called pulled").isZero();
      clock.advance(Duration.ofDays(1));
    }
    assertThat(reported(OLD).reason()).isEqualTo(NodeReason.NOT_PULLED);
    assertThat(reported(OLD).detail()).startsWith("cri-o 1.2.3 does not tell");

    NodeOutcome outcome = runWithPulled(false);
    assertThat(outcome.succeeded()).as(outcome.message()).isTrue();
    assertThat(runtime.removals())
        .containsExactlyInAnyOrder("RemoveImage " + OLD, "RemoveImage " + TWO);
    assertThat(reported(LOADED).reason()).isEqualTo(NodeReason.NOT_PULLED);
  }

  /** cri-dockerd says "unknown error" of what is not there. */
  @Test
  void onDockerAContainerThatVanishesUsesNothing() throws IOException {
    runtime.name = "docker";
    runtime.notFound = 2;
    String brief = FakeRuntime.id("brief");
    runtime.pulled(brief, "r.io/brief:1");
    runtime.with(
        new Image(LOADED, List.of("loaded.io/a:1"), List.of("loaded.io/a@" + LOADED), 1, false));
    for (int day = 0; day < 8; day++) {
      runWithPulled(true);
      clock.advance(Duration.ofDays(1));
    }
    runtime.container("brief", brief, 1);
    onCall("ContainerStatus brief", (r, argument) -> r.containers.remove("brief"));
    NodeOutcome outcome = runWithPulled(false);
    assertThat(outcome.failure()).as(outcome.message()).isNull();
    assertThat(reported(brief).reason()).as("it was listed").isEqualTo(NodeReason.IN_USE);
    assertThat(runtime.removals())
        .containsExactlyInAnyOrder("RemoveImage " + OLD, "RemoveImage " + TWO);
    onCall("PodSandboxStatus s1", (r, argument) -> r.sandboxes.remove("s1"));
    assertThat(runWithPulled(true).failure()).isNull();
  }

  @Test
  void aMemoryThatIsDamagedRemovesNothing() throws IOException {
    age();
    for (String damaged :
        List.of(
            "{",
            "null",
            "{}",
            "{\"apiVersion\":\"prune.kiln.build/v2\",\"kind\":\"NodeReport\"}",
            new String(memory.json(), StandardCharsets.UTF_8)
                .replace("\"firstSeen\":\"2026", "\"firstSeen\":\"x"),
            new String(memory.json(), StandardCharsets.UTF_8).replace("\"time\":", "\"tome\":"),
            new String(memory.json(), StandardCharsets.UTF_8)
                .replace("\"nameHash\":", "\"nameHush\":"))) {
      memory.bytes = damaged.getBytes(StandardCharsets.UTF_8);
      NodeOutcome outcome = run(false);
      assertThat(outcome.failure()).as(damaged).isEqualTo(Failure.StateNotKept);
      assertThat(outcome.message()).contains("what is remembered of the node", "delete");
    }
    assertThat(runtime.calls).noneMatch(call -> call.startsWith("RemoveImage"));
  }

  @Test
  void theMemoryIsBoundedAndKeepsWhatHasBeenUnusedForLongest() throws IOException {
    age();
    run(true);
    clock.advance(Duration.ofMinutes(1));
    for (int i = 0; i < 2 * NodeReport.MOST; i++) {
      runtime.pulled(FakeRuntime.id("x" + i), "r.io/many:" + i);
    }
    assertThat(run(true).examined()).isEqualTo(2 * NodeReport.MOST + 8);
    assertThat(memory.report().images()).hasSize(NodeReport.MOST);
    assertThat(reported()).containsKeys(OLD, TWO);
    assertThat(memory.json()).hasSizeLessThan(900_000);
  }

  /** That of the two unused images which goes first. */
  private static String first() {
    return OLD.compareTo(TWO) < 0 ? OLD : TWO;
  }

  private static String other() {
    return first().equals(OLD) ? TWO : OLD;
  }

  /** Does something when a call comes for the first time. */
  private void onCall(String call, BiConsumer<FakeRuntime, String> then) {
    runtime.hook =
        (method, argument) -> {
          if (runtime.calls.getLast().equals(call)) {
            runtime.hook = (m, a) -> null;
            then.accept(runtime, argument);
          }
          return null;
        };
  }
}
