package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * What keeps what in a repository: an index its children, a manifest its referrers, and a digest
 * what is under the tags named after it. A broken registry may serve circles.
 */
final class Links {
  /** How something was reached. */
  record Step(Digest from, boolean asChild) {}

  private final Map<Digest, ManifestFacts> manifests;
  private final Map<Digest, List<Digest>> referrers = new HashMap<>();
  private final Set<Digest> listed = new HashSet<>();

  Links(RepositoryInventory inventory) {
    this.manifests = inventory.manifests();
    for (ManifestFacts manifest : manifests.values()) {
      listed.addAll(manifest.children());
      Digest subject = manifest.subject();
      if (subject != null) {
        refer(subject, manifest.digest());
      }
    }
    inventory
        .tags()
        .forEach((tag, digest) -> Companion.subject(tag).ifPresent(s -> refer(s, digest)));
    referrers.values().forEach(list -> list.sort(Comparator.naturalOrder()));
  }

  private void refer(Digest subject, Digest referrer) {
    referrers.computeIfAbsent(subject, ignored -> new ArrayList<>(1)).add(referrer);
  }

  /** Whether some index of the repository lists it. */
  boolean isListed(Digest digest) {
    return listed.contains(digest);
  }

  /**
   * All that these keep and that is there, themselves too, and the way to each; the same for any
   * order of the starts.
   *
   * @return in the order in which it was reached; a start leads to itself
   */
  Map<Digest, Step> reach(Collection<Digest> starts) {
    Map<Digest, Step> reached = new LinkedHashMap<>();
    Deque<Digest> queue = new ArrayDeque<>();
    starts.stream()
        .filter(manifests::containsKey)
        .sorted()
        .forEach(
            start -> {
              if (reached.putIfAbsent(start, new Step(start, false)) == null) {
                queue.add(start);
              }
            });
    while (!queue.isEmpty()) {
      Digest digest = queue.remove();
      for (Digest child : children(digest)) {
        step(digest, child, true, reached, queue);
      }
      for (Digest referrer : referrers.getOrDefault(digest, List.of())) {
        step(digest, referrer, false, reached, queue);
      }
    }
    return reached;
  }

  private void step(
      Digest from, Digest to, boolean asChild, Map<Digest, Step> reached, Deque<Digest> queue) {
    if (manifests.containsKey(to) && reached.putIfAbsent(to, new Step(from, asChild)) == null) {
      queue.add(to);
    }
  }

  private List<Digest> children(Digest digest) {
    ManifestFacts facts = manifests.get(digest);
    return facts == null ? List.of() : facts.children();
  }

  /**
   * An order in which every index comes before what it lists, but for circles; and where that
   * leaves a choice, indexes first and referrers last.
   *
   * @param last those that are wanted last
   */
  List<Digest> parentsFirst(Set<Digest> digests, Set<Digest> last) {
    Map<Digest, Integer> position = positions(digests);
    Map<Digest, Integer> parents = new HashMap<>();
    for (Digest digest : digests) {
      for (Digest child : forward(digest, position)) {
        parents.merge(child, 1, Integer::sum);
      }
    }
    PriorityQueue<Digest> ready =
        new PriorityQueue<>(
            Comparator.comparing((Digest d) -> last.contains(d))
                .thenComparing((Digest d) -> children(d).isEmpty())
                .thenComparing(Comparator.naturalOrder()));
    digests.stream().filter(d -> !parents.containsKey(d)).forEach(ready::add);
    List<Digest> order = new ArrayList<>(digests.size());
    while (!ready.isEmpty()) {
      Digest digest = ready.remove();
      order.add(digest);
      for (Digest child : forward(digest, position)) {
        if (parents.merge(child, -1, Integer::sum) == 0) {
          ready.add(child);
        }
      }
    }
    return order;
  }

  /** Children without the links that close a circle. */
  private List<Digest> forward(Digest digest, Map<Digest, Integer> position) {
    List<Digest> all = children(digest);
    if (all.isEmpty()) {
      return all;
    }
    int own = position.getOrDefault(digest, 0);
    return all.stream().filter(child -> position.getOrDefault(child, -1) > own).distinct().toList();
  }

  /**
   * Places in the reverse of the order in which a depth-first search leaves: a link that leads to a
   * lower place is in a circle.
   */
  private Map<Digest, Integer> positions(Set<Digest> digests) {
    Map<Digest, Integer> position = new HashMap<>();
    Set<Digest> entered = new HashSet<>();
    int place = digests.size();
    for (Digest start : digests.stream().sorted().toList()) {
      Deque<Visit> path = new ArrayDeque<>();
      if (entered.add(start)) {
        path.push(new Visit(start, children(start)));
      }
      while (!path.isEmpty()) {
        Visit visit = path.peek();
        if (visit.next == visit.children.size()) {
          position.put(visit.digest, --place);
          path.pop();
          continue;
        }
        Digest child = visit.children.get(visit.next++);
        if (digests.contains(child) && entered.add(child)) {
          path.push(new Visit(child, children(child)));
        }
      }
    }
    return position;
  }

  private static final class Visit {
    final Digest digest;
    final List<Digest> children;
    int next;

    Visit(Digest digest, List<Digest> children) {
      this.digest = digest;
      this.children = children;
    }
  }
}
