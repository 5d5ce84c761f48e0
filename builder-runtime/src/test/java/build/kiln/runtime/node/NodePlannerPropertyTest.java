package build.kiln.runtime.node;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.cri.FakeRuntime;
import build.kiln.runtime.node.NodeInventory.Use;
import build.kiln.runtime.node.NodeMemory.Seen;
import build.kiln.runtime.node.NodePlan.Verdict;
import build.kiln.runtime.node.NodeRules.Glob;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Random nodes over random times: whatever happens, nothing goes that something needs. */
class NodePlannerPropertyTest {
  private static final int CASES = Integer.getInteger("kiln.prune.cases", 3_000);
  private static final Instant START = Instant.parse("2026-11-27T12:00:00Z");

  /** A node through several runs, with what an observer who misses nothing knows of it. */
  private static final class Node {
    private final Random random;
    private final NodeRules rules;
    private final Map<String, CriImage> images = new HashMap<>();
    private final Map<String, Set<String>> containers = new HashMap<>();
    private final Map<String, Instant> arrived = new HashMap<>();
    private final Map<String, Instant> lastUse = new HashMap<>();
    private final Map<String, String> looked = new HashMap<>();
    private final Map<String, Duration> age = new HashMap<>();
    private final Map<String, Duration> idle = new HashMap<>();
    private Instant now = START;

    Node(long seed) {
      this.random = new Random(seed);
      this.rules =
          new NodeRules(
              Duration.ofHours(1 + random.nextInt(100)),
              Duration.ofHours(1 + random.nextInt(50)),
              random.nextBoolean() ? List.of() : List.of(Glob.of("nodes.keep[0]", "r.io/keep/*")),
              List.of(),
              List.of(),
              1 + random.nextInt(12),
              1 + random.nextInt(100));
    }

    void live() {
      Duration gap = Duration.ofMinutes(random.nextInt(random.nextInt(10) == 0 ? 900_000 : 3000));
      now = now.plus(gap);
      for (int i = random.nextInt(4); i > 0; i--) {
        pull();
      }
      containers.keySet().removeIf(container -> random.nextInt(3) == 0);
      for (int i = random.nextInt(4); i > 0 && !images.isEmpty(); i--) {
        containers.put("c" + random.nextInt(100), Set.of(word(any())));
      }
      for (CriImage image : images.values()) {
        if (used(image)) {
          lastUse.put(image.id(), now);
        }
        // What happens twice between two looks, nobody sees.
        String names = NodeMemory.hash(image);
        boolean fresh = !names.equals(looked.put(image.id(), names));
        if (fresh) {
          arrived.put(image.id(), now);
        }
        observe(image, fresh, gap);
      }
      looked.keySet().retainAll(images.keySet());
    }

    /** What runs may know: of a time in which nobody looked, only so much. */
    private void observe(CriImage image, boolean fresh, Duration gap) {
      Duration most = rules.mostOfAGap();
      Duration counts = gap.compareTo(most) < 0 ? gap : most;
      age.merge(image.id(), fresh ? Duration.ZERO : counts, fresh ? (a, b) -> b : Duration::plus);
      if (used(image)) {
        idle.remove(image.id());
      } else if (fresh || !idle.containsKey(image.id())) {
        idle.put(image.id(), Duration.ZERO);
      } else {
        idle.merge(image.id(), counts, Duration::plus);
      }
    }

    private void pull() {
      String id = FakeRuntime.id("i" + random.nextInt(12));
      String name = (random.nextBoolean() ? "r.io/a" : "r.io/keep/b") + random.nextInt(3);
      CriImage before = images.get(id);
      List<String> tags = new ArrayList<>(before == null ? List.of() : before.tags());
      List<String> digests = new ArrayList<>(before == null ? List.of() : before.digests());
      if (!tags.contains(name + ":1")) {
        tags.add(name + ":1");
      }
      if (random.nextInt(4) > 0 && !digests.contains(name + "@" + id)) {
        digests.add(name + "@" + id);
      }
      // A name is one image's.
      images.replaceAll((other, image) -> other.equals(id) ? image : without(image, name));
      CriImage image = new CriImage(id, tags, digests, 10, random.nextInt(10) == 0);
      images.put(id, image);
    }

    private CriImage without(CriImage image, String name) {
      if (!image.tags().contains(name + ":1")) {
        return image;
      }
      return new CriImage(
          image.id(),
          image.tags().stream().filter(tag -> !tag.equals(name + ":1")).toList(),
          image.digests(),
          image.size(),
          image.pinned());
    }

    private CriImage any() {
      List<String> ids = images.keySet().stream().sorted().toList();
      return requireNonNull(images.get(ids.get(random.nextInt(ids.size()))));
    }

    /** One of the words that a container has for its image. */
    private String word(CriImage image) {
      List<String> words = new ArrayList<>(image.names().toList());
      words.add(image.id());
      words.add(image.id().substring(7));
      return words.get(random.nextInt(words.size()));
    }

    boolean used(CriImage image) {
      return containers.values().stream()
          .flatMap(Set::stream)
          .anyMatch(
              word ->
                  word.equals(image.id())
                      || word.equals(image.id().substring(7))
                      || image.names().anyMatch(word::equals));
    }

    NodeInventory inventory(boolean shuffled) {
      List<CriImage> all = new ArrayList<>(images.values());
      List<Use> uses = new ArrayList<>();
      containers.forEach((id, words) -> words.forEach(word -> uses.add(new Use(word, id))));
      if (shuffled) {
        Collections.shuffle(all, random);
        Collections.shuffle(uses, random);
      }
      return new NodeInventory("containerd 2.1.4", all, uses, Set.of());
    }
  }

  @Test
  void nothingGoesThatSomethingNeeds() {
    int removed = 0;
    int stopped = 0;
    for (long seed = 0; seed < CASES; seed++) {
      Node node = new Node(seed);
      NodeMemory memory = NodeMemory.NONE;
      for (int run = 0; run < 24; run++) {
        node.live();
        NodePlan plan = NodePlanner.plan(node.inventory(false), memory, node.rules, node.now);
        check(node, plan, memory, "seed " + seed + ", run " + run);
        stopped += plan.stop() == null ? 0 : 1;
        Map<String, Seen> next = new HashMap<>(plan.memory().images());
        if (plan.stop() == null) {
          for (Verdict verdict : plan.removals().toList()) {
            node.images.remove(verdict.image().id());
            node.looked.remove(verdict.image().id());
            next.remove(verdict.image().id());
            removed++;
          }
        }
        memory = new NodeMemory(next, plan.memory().time());
      }
    }
    assertThat(removed).as("the test would prove nothing").isGreaterThan(CASES / 2);
    assertThat(stopped).isGreaterThan(CASES / 10);
  }

  private static void check(Node node, NodePlan plan, NodeMemory memory, String of) {
    assertThat(plan.verdicts()).as(of).hasSameSizeAs(node.images.values());
    Set<String> ids = new HashSet<>();
    for (Verdict verdict : plan.verdicts()) {
      CriImage image = verdict.image();
      assertThat(ids.add(image.id())).as(of).isTrue();
      assertThat(verdict.detail()).as(of).isNotBlank();
      assertThat(plan.memory().images()).as(of).containsKey(image.id());
      if (!verdict.reason().keeps()) {
        assertThat(node.used(image)).as(of + ": used").isFalse();
        assertThat(image.pinned()).as(of + ": pinned").isFalse();
        assertThat(image.digests()).as(of + ": loaded").isNotEmpty();
        assertThat(node.rules.keeps(image)).as(of + ": kept by name").isEmpty();
        assertThat(age(node, node.arrived, image))
            .as(of + ": young")
            .isGreaterThanOrEqualTo(node.rules.gracePeriod());
        assertThat(node.age.get(image.id()))
            .as(of + ": not seen for long enough")
            .isGreaterThanOrEqualTo(node.rules.gracePeriod());
        assertThat(node.idle.get(image.id()))
            .as(of + ": not seen unused for long enough")
            .isGreaterThanOrEqualTo(node.rules.unusedFor());
        assertThat(age(node, node.lastUse, image))
            .as(of + ": used of late")
            .isGreaterThanOrEqualTo(node.rules.unusedFor());
      }
    }
    long removals = plan.removals().count();
    if (plan.stop() == null) {
      assertThat(removals).as(of).isLessThanOrEqualTo(node.rules.maxDeletions());
      assertThat(removals * 100)
          .as(of)
          .isLessThanOrEqualTo((long) node.rules.maxPercent() * plan.verdicts().size());
    }
    List<Instant> since = plan.removals().map(verdict -> verdict.seen().unusedSince()).toList();
    assertThat(since).as(of).isSorted();
    assertThat(NodePlanner.plan(node.inventory(true), memory, node.rules, node.now))
        .as(of + ": the same for any order")
        .isEqualTo(plan);
  }

  /** Whatever never happened was long ago. */
  private static Duration age(Node node, Map<String, Instant> times, CriImage image) {
    return Duration.between(times.getOrDefault(image.id(), Instant.EPOCH), node.now).plusSeconds(1);
  }
}
