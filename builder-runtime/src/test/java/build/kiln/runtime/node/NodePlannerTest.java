package build.kiln.runtime.node;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.cri.FakeRuntime;
import build.kiln.runtime.node.NodeInventory.Use;
import build.kiln.runtime.node.NodeMemory.Seen;
import build.kiln.runtime.node.NodePlan.Verdict;
import build.kiln.runtime.node.NodeRules.Glob;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of an image, by what is on the node and what was seen before. */
class NodePlannerTest {
  private static final Instant NOW = Instant.parse("2026-11-27T12:00:00Z");
  private static final NodeRules RULES =
      new NodeRules(
          Duration.ofHours(168), Duration.ofHours(24), List.of(), List.of(), List.of(), 100, 100);

  private static final String ID = FakeRuntime.id("a");
  private static final String HEX = ID.substring(7);
  private static final String DIGEST = "sha256:" + "d".repeat(64);
  private static final CriImage IMAGE =
      new CriImage(
          ID,
          List.of("docker.io/library/busybox:1", "r.io/other:2"),
          List.of("docker.io/library/busybox@" + DIGEST, "r.io/other@" + DIGEST),
          1000,
          false);

  private static NodeInventory with(List<CriImage> images, String... used) {
    List<Use> uses = new ArrayList<>();
    for (String use : used) {
      uses.add(new Use(use, "container of " + use));
    }
    return new NodeInventory("containerd 2.1.4", images, uses, Set.of());
  }

  /** As if runs had seen the images for so long, unused for so long; 0 is in use. */
  private static NodeMemory seen(Duration firstSeen, Duration unused, CriImage... images) {
    Map<String, Seen> seen = new HashMap<>();
    for (CriImage image : images) {
      seen.put(
          image.id(),
          new Seen(
              NOW.minus(firstSeen),
              unused.isZero() ? null : NOW.minus(unused),
              NodeMemory.hash(image)));
    }
    return new NodeMemory(seen, NOW);
  }

  private static NodeMemory old(CriImage... images) {
    return seen(Duration.ofDays(30), Duration.ofDays(20), images);
  }

  private static Verdict only(NodePlan plan) {
    assertThat(plan.verdicts()).hasSize(1);
    return plan.verdicts().getFirst();
  }

  private static NodeReason reason(NodeInventory inventory, NodeMemory memory, NodeRules rules) {
    return only(NodePlanner.plan(inventory, memory, rules, NOW)).reason();
  }

  @Test
  void whatNoContainerHasHadForLongGoes() {
    Verdict verdict = only(NodePlanner.plan(with(List.of(IMAGE)), old(IMAGE), RULES, NOW));
    assertThat(verdict.reason()).isEqualTo(NodeReason.UNUSED);
    assertThat(verdict.rule()).isEqualTo("nodes.unusedFor");
    assertThat(verdict.detail())
        .isEqualTo("no container of it was seen since 2026-11-07T12:00:00Z");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ID",
        "HEX",
        "docker.io/library/busybox:1",
        "busybox:1",
        "r.io/other:2",
        "docker.io/library/busybox@DIGEST",
        "mirror.example.com/hub/busybox@DIGEST"
      })
  void aContainersWordForAnImageKeepsItHoweverItIsWritten(String word) {
    String use = word.replace("ID", ID).replace("HEX", HEX).replace("DIGEST", DIGEST);
    Verdict verdict = only(NodePlanner.plan(with(List.of(IMAGE), use), old(IMAGE), RULES, NOW));
    assertThat(verdict.reason()).isEqualTo(NodeReason.IN_USE);
    assertThat(verdict.detail()).isEqualTo("container of " + use);
    assertThat(verdict.seen().unusedSince()).isNull();
  }

  @Test
  void idsWithoutAnAlgorithmAreKnownToo() {
    CriImage bare = new CriImage(HEX, IMAGE.tags(), IMAGE.digests(), 1, false);
    assertThat(reason(with(List.of(bare), ID), old(bare), RULES)).isEqualTo(NodeReason.IN_USE);
    assertThat(reason(with(List.of(bare), HEX), old(bare), RULES)).isEqualTo(NodeReason.IN_USE);
  }

  @Test
  void anotherImagesContainerDoesNotKeepIt() {
    assertThat(
            reason(
                with(List.of(IMAGE), FakeRuntime.id("b"), "busybox:2", "other:2", "not a name!"),
                old(IMAGE),
                RULES))
        .isEqualTo(NodeReason.UNUSED);
  }

  @Test
  void whatIsPinnedStays() {
    CriImage pinned = new CriImage(ID, IMAGE.tags(), IMAGE.digests(), 1, true);
    assertThat(reason(with(List.of(pinned)), old(pinned), RULES)).isEqualTo(NodeReason.PINNED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "registry.k8s.io/pause:3.10",
        "rancher/mirrored-pause:3.6",
        "docker.io/rancher/mirrored-pause:3.6",
        "k8s.gcr.io/pause-amd64:3.1",
        "localhost:5000/pause:1",
        "registry.k8s.io/pause"
      })
  void whatPodsAreMadeWithStaysByItsName(String name) {
    CriImage pause = new CriImage(ID, List.of(name), IMAGE.digests(), 1, false);
    assertThat(reason(with(List.of(pause)), old(pause), RULES)).isEqualTo(NodeReason.SANDBOX);
  }

  @ParameterizedTest
  @ValueSource(strings = {"r.io/pausers:1", "r.io/pause/app:1", "r.io/app:pause", "r.io/unpause:1"})
  void whatIsOnlyCalledAlikeGoes(String name) {
    String repository = name.substring(0, name.lastIndexOf(':'));
    CriImage other = new CriImage(ID, List.of(name), List.of(repository + "@" + DIGEST), 1, false);
    assertThat(reason(with(List.of(other)), old(other), RULES)).isEqualTo(NodeReason.UNUSED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"r.io/other:2", "ID", "docker.io/library/busybox@DIGEST"})
  void whatTheRuntimeSaysThatItMakesPodsWithStays(String word) {
    String image = word.replace("ID", ID).replace("DIGEST", DIGEST);
    var inventory = new NodeInventory("containerd 2.1.4", List.of(IMAGE), List.of(), Set.of(image));
    assertThat(reason(inventory, old(IMAGE), RULES)).isEqualTo(NodeReason.SANDBOX);
  }

  @ParameterizedTest
  @CsvSource({
    "docker.io/library/busybox, KEPT_BY_NAME",
    "docker.io/library/busybox:1, KEPT_BY_NAME",
    "docker.io/library/*, KEPT_BY_NAME",
    "*/other, KEPT_BY_NAME",
    "*:2, KEPT_BY_NAME",
    "*, KEPT_BY_NAME",
    "docker.io/library/busy, UNUSED",
    "r.io/othe?, UNUSED",
    "library/*, UNUSED",
    "docker.io/library/busybox:2, UNUSED"
  })
  void patternsKeepByName(String glob, NodeReason expected) {
    var rules =
        new NodeRules(
            RULES.unusedFor(),
            RULES.gracePeriod(),
            List.of(Glob.of("nodes.keep[0]", "x"), Glob.of("nodes.keep[1]", glob)),
            List.of(),
            List.of(),
            100,
            100);
    Verdict verdict = only(NodePlanner.plan(with(List.of(IMAGE)), old(IMAGE), rules, NOW));
    assertThat(verdict.reason()).isEqualTo(expected);
    assertThat(verdict.rule())
        .isEqualTo(expected == NodeReason.UNUSED ? "nodes.unusedFor" : "nodes.keep[1]");
  }

  @Test
  void whatWasLoadedAndNotPulledStays() {
    CriImage loaded = new CriImage(ID, IMAGE.tags(), List.of(), 1, false);
    assertThat(reason(with(List.of(loaded)), old(loaded), RULES)).isEqualTo(NodeReason.NOT_PULLED);
    // The same image was pulled by another name, with which the loaded one would go.
    CriImage both =
        new CriImage(
            ID,
            List.of("docker.io/library/loaded:1", "r.io:5000/pulled:1"),
            List.of("r.io:5000/pulled@sha256:" + "b".repeat(64)),
            1,
            false);
    assertThat(reason(with(List.of(both)), old(both), RULES)).isEqualTo(NodeReason.NOT_PULLED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost/app:1",
        "localhost/app@DIGEST",
        "docker.io/library/import-2026-11-27@DIGEST",
        "import-2026-11-27@DIGEST"
      })
  void whatHasANameThatNoRegistryHasWasLoaded(String name) {
    String local = name.replace("DIGEST", DIGEST);
    List<String> digests = new ArrayList<>(IMAGE.digests());
    digests.add(CriImage.repository(local) + "@" + DIGEST);
    List<String> tags = local.contains("@") ? List.of() : List.of(local);
    CriImage loaded = new CriImage(ID, tags, digests, 1, false);
    assertThat(reason(with(List.of(loaded)), old(loaded), RULES)).isEqualTo(NodeReason.NOT_PULLED);
    assertThat(reason(on("cri-o 1.33.0", loaded), old(loaded), pulled("*")))
        .isEqualTo(NodeReason.NOT_PULLED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost:5000/app", "r.io/import-2026-11-27", "r.io/localhost/app"})
  void namesThatOnlyLookLocalAreOfRegistries(String repository) {
    CriImage image =
        new CriImage(ID, List.of(repository + ":1"), List.of(repository + "@" + DIGEST), 1, false);
    assertThat(reason(with(List.of(image)), old(image), RULES)).isEqualTo(NodeReason.UNUSED);
  }

  private static NodeInventory on(String runtime, CriImage... images) {
    return new NodeInventory(runtime, List.of(images), List.of(), Set.of());
  }

  private static NodeRules pulled(String... globs) {
    return new NodeRules(
        RULES.unusedFor(),
        RULES.gracePeriod(),
        List.of(),
        List.of(),
        Stream.of(globs).map(glob -> Glob.of("nodes.pulled[0]", glob)).toList(),
        100,
        100);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cri-o 1.33.0", "docker 28.3.2", "containerds 1", " "})
  void whereDigestsAreMadeUpOnlyWhatThePolicyNamesGoes(String runtime) {
    var inventory = on(runtime, IMAGE);
    Verdict verdict = only(NodePlanner.plan(inventory, old(IMAGE), RULES, NOW));
    assertThat(verdict.reason()).isEqualTo(NodeReason.NOT_PULLED);
    assertThat(verdict.detail()).startsWith(runtime + " does not tell").contains("nodes.pulled");
    assertThat(reason(inventory, old(IMAGE), pulled("docker.io/*")))
        .as("its other name")
        .isEqualTo(NodeReason.NOT_PULLED);
    assertThat(reason(inventory, old(IMAGE), pulled("docker.io/*", "r.io/other")))
        .isEqualTo(NodeReason.UNUSED);
    CriImage nameless = new CriImage(ID, List.of(), List.of(), 1, false);
    assertThat(reason(on(runtime, nameless), old(nameless), pulled("*")))
        .isEqualTo(NodeReason.NOT_PULLED);
  }

  @Test
  void whereDigestsTellThePolicyNeedNot() {
    CriImage loaded = new CriImage(ID, IMAGE.tags(), List.of(), 1, false);
    assertThat(reason(with(List.of(loaded)), old(loaded), pulled("*")))
        .isEqualTo(NodeReason.NOT_PULLED);
    assertThat(reason(with(List.of(IMAGE)), old(IMAGE), pulled("x"))).isEqualTo(NodeReason.UNUSED);
  }

  @Test
  void whatLostItsTagsAndWasPulledGoes() {
    CriImage untagged = new CriImage(ID, List.of(), IMAGE.digests(), 1, false);
    assertThat(reason(with(List.of(untagged)), old(untagged), RULES)).isEqualTo(NodeReason.UNUSED);
  }

  @ParameterizedTest
  @CsvSource({
    // first seen, unused for, in hours
    "23, 23, YOUNG",
    "24, 24, RECENTLY_USED",
    "1000, 167, RECENTLY_USED",
    "1000, 0, RECENTLY_USED",
    "168, 168, UNUSED",
    "1000, 168, UNUSED"
  })
  void agesCountFromWhatRunsSaw(int firstSeen, int unused, NodeReason expected) {
    var memory = seen(Duration.ofHours(firstSeen), Duration.ofHours(unused), IMAGE);
    assertThat(reason(with(List.of(IMAGE)), memory, RULES)).isEqualTo(expected);
  }

  @Test
  void aShortTimeIsBoundedByTheGracePeriod() {
    var rules =
        new NodeRules(
            Duration.ofHours(1), Duration.ofHours(24), List.of(), List.of(), List.of(), 100, 100);
    var memory = seen(Duration.ofHours(23), Duration.ofHours(23), IMAGE);
    assertThat(reason(with(List.of(IMAGE)), memory, rules)).isEqualTo(NodeReason.YOUNG);
  }

  @Test
  void withoutAMemoryNothingGoesAndTheClockStarts() {
    NodePlan plan = NodePlanner.plan(with(List.of(IMAGE)), NodeMemory.NONE, RULES, NOW);
    assertThat(only(plan).reason()).isEqualTo(NodeReason.YOUNG);
    assertThat(plan.memory().images().get(ID))
        .isEqualTo(new Seen(NOW, NOW, NodeMemory.hash(IMAGE)));
  }

  @Test
  void aUseStartsTheClockAnew() {
    NodeMemory memory = old(IMAGE);
    NodePlan used = NodePlanner.plan(with(List.of(IMAGE), ID), memory, RULES, NOW);
    Instant later = NOW.plus(Duration.ofHours(1));
    NodePlan unused = NodePlanner.plan(with(List.of(IMAGE)), used.memory(), RULES, later);
    assertThat(only(unused).reason()).isEqualTo(NodeReason.RECENTLY_USED);
    assertThat(only(unused).seen().unusedSince()).isEqualTo(later);
    NodeMemory known = unused.memory();
    for (int day = 1; day < 7; day++) {
      Instant time = later.plus(Duration.ofDays(day));
      NodePlan plan = NodePlanner.plan(with(List.of(IMAGE)), known, RULES, time);
      assertThat(only(plan).reason()).isEqualTo(NodeReason.RECENTLY_USED);
      known = plan.memory();
    }
    Instant much = later.plus(Duration.ofDays(7));
    assertThat(only(NodePlanner.plan(with(List.of(IMAGE)), known, RULES, much)).reason())
        .isEqualTo(NodeReason.UNUSED);
  }

  @ParameterizedTest
  @CsvSource({
    // unused for, hours since the last look, hours that count
    "168h, 24, 24",
    "168h, 25, 25",
    "168h, 26, 25",
    "168h, 100000, 25",
    "8h, 1, 1",
    "8h, 3, 2",
    "8h, -5, 0"
  })
  void ofATimeWithoutLooksOnlySoMuchCounts(String unusedFor, int gap, int counted) {
    var rules =
        new NodeRules(
            Durations.parse(unusedFor),
            Duration.ofHours(1),
            List.of(),
            List.of(),
            List.of(),
            100,
            100);
    var memory = seen(Duration.ofHours(30), Duration.ofHours(7), IMAGE);
    Instant then = NOW.plus(Duration.ofHours(gap));
    Seen seen = only(NodePlanner.plan(with(List.of(IMAGE)), memory, rules, then)).seen();
    assertThat(seen.unusedSince())
        .isEqualTo(then.minus(Duration.ofHours(7L + Math.min(gap, counted))));
    assertThat(seen.firstSeen())
        .isEqualTo(then.minus(Duration.ofHours(30L + Math.min(gap, counted))));
  }

  @Test
  void aClockThatJumpsAheadRemovesNothingAtOnce() {
    var memory = seen(Duration.ofHours(2), Duration.ofHours(2), IMAGE);
    Instant far = NOW.plus(Duration.ofDays(5000));
    NodePlan plan = NodePlanner.plan(with(List.of(IMAGE)), memory, RULES, far);
    assertThat(only(plan).reason()).isEqualTo(NodeReason.RECENTLY_USED);
  }

  @ParameterizedTest
  @CsvSource({
    "^1$, KEPT_BY_NAME",
    "2, KEPT_BY_NAME",
    "^v, UNUSED",
    "busybox, UNUSED",
    "^:, UNUSED",
    "dddd, UNUSED"
  })
  void protectedTagsKeepAsInRegistries(String regex, NodeReason expected) {
    var rules =
        new NodeRules(
            RULES.unusedFor(),
            RULES.gracePeriod(),
            List.of(),
            List.of(
                new NodeRules.Tag("protect.tags[0]", Pattern.compile("^never$")),
                new NodeRules.Tag("protect.tags[1]", Pattern.compile(regex))),
            List.of(),
            100,
            100);
    Verdict verdict = only(NodePlanner.plan(with(List.of(IMAGE)), old(IMAGE), rules, NOW));
    assertThat(verdict.reason()).isEqualTo(expected);
    assertThat(verdict.rule())
        .isEqualTo(expected == NodeReason.UNUSED ? "nodes.unusedFor" : "protect.tags[1]");
  }

  @Test
  void anotherNameMeansThatItWasPulledAgain() {
    CriImage renamed = new CriImage(ID, List.of("r.io/other:3"), IMAGE.digests(), 1000, false);
    assertThat(reason(with(List.of(renamed)), old(IMAGE), RULES)).isEqualTo(NodeReason.YOUNG);
  }

  @Test
  void whatWasGoneInBetweenIsNew() {
    NodePlan without = NodePlanner.plan(with(List.of()), old(IMAGE), RULES, NOW);
    assertThat(without.memory().images()).isEmpty();
    assertThat(reason(with(List.of(IMAGE)), without.memory(), RULES)).isEqualTo(NodeReason.YOUNG);
  }

  @Test
  void aClockThatWasAheadMakesNothingYoungForever() {
    var memory = seen(Duration.ofDays(-3000), Duration.ofDays(-3000), IMAGE);
    NodePlan plan = NodePlanner.plan(with(List.of(IMAGE)), memory, RULES, NOW);
    assertThat(only(plan).reason()).isEqualTo(NodeReason.YOUNG);
    assertThat(plan.memory().images().get(ID))
        .isEqualTo(new Seen(NOW, NOW, NodeMemory.hash(IMAGE)));
  }

  @Test
  void limitsStopTheNode() {
    List<CriImage> images = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      String id = FakeRuntime.id("i" + i);
      images.add(new CriImage(id, List.of(), List.of("r.io/a@" + id), 1, false));
    }
    NodeMemory memory = old(images.toArray(CriImage[]::new));
    var seven = with(images, images.get(0).id(), images.get(1).id(), images.get(2).id());
    assertThat(stop(seven, memory, 7, 70)).isNull();
    assertThat(stop(seven, memory, 6, 100))
        .isEqualTo(
            "7 images would be removed, more than nodes.limits.maxDeletions (6) allows: raise it");
    assertThat(stop(seven, memory, 7, 69))
        .isEqualTo(
            "7 of 10 images would be removed, more than nodes.limits.maxPercent (69) allows: raise it");
  }

  private static @Nullable String stop(
      NodeInventory inventory, NodeMemory memory, int most, int percent) {
    var rules =
        new NodeRules(
            RULES.unusedFor(), RULES.gracePeriod(), List.of(), List.of(), List.of(), most, percent);
    return NodePlanner.plan(inventory, memory, rules, NOW).stop();
  }

  @Test
  void oneIdIsOneImageWithAllOfItsNames() {
    CriImage one = new CriImage(ID, List.of("r.io/a:1"), List.of("r.io/a@" + DIGEST), 1, false);
    CriImage two = new CriImage(ID, List.of("r.io/b:1"), List.of(), 2, true);
    Verdict verdict = only(NodePlanner.plan(with(List.of(one, two)), NodeMemory.NONE, RULES, NOW));
    assertThat(verdict.image().tags()).containsExactly("r.io/a:1", "r.io/b:1");
    assertThat(verdict.reason()).isEqualTo(NodeReason.PINNED);
  }
}
