package build.kiln.operator.job;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How many runs there are at a time, and who is next. Fair between namespaces: each namespace's
 * first build comes before any namespace's second, those that run counted too.
 *
 * @param all at a time
 * @param perNamespace at a time in one namespace
 */
public record Limits(int all, int perNamespace) {

  /**
   * A build that runs or waits.
   *
   * @param since when its run was accepted, RFC 3339
   */
  public record Entry(String uid, String namespace, String name, String since, boolean runs) {}

  /** An entry's place: empty if it may start at once, else counted from 1. */
  public Optional<Integer> place(List<Entry> entries, String uid) {
    int running = 0;
    Map<String, Integer> ofNamespace = new HashMap<>();
    for (var entry : entries) {
      if (entry.runs()) {
        running++;
        ofNamespace.merge(entry.namespace(), 1, Integer::sum);
      }
    }
    int place = 0;
    for (var next : order(entries, ofNamespace)) {
      boolean room = running < all && ofNamespace.getOrDefault(next.namespace(), 0) < perNamespace;
      if (room) {
        running++;
        ofNamespace.merge(next.namespace(), 1, Integer::sum);
      } else {
        place++;
      }
      if (next.uid().equals(uid)) {
        return room ? Optional.empty() : Optional.of(place);
      }
    }
    return Optional.empty();
  }

  /** Who waits, the next one first. */
  public static List<Entry> waiting(List<Entry> entries) {
    Map<String, Integer> running = new HashMap<>();
    entries.stream()
        .filter(Entry::runs)
        .forEach(entry -> running.merge(entry.namespace(), 1, Integer::sum));
    return order(entries, running);
  }

  private static List<Entry> order(List<Entry> entries, Map<String, Integer> running) {
    record Ranked(Entry entry, int rank) {}
    Map<String, Integer> ranks = new HashMap<>(running);
    List<Ranked> ranked = new ArrayList<>();
    entries.stream()
        .filter(entry -> !entry.runs())
        .sorted(Comparator.comparing(Entry::since).thenComparing(Entry::uid))
        .forEach(
            entry ->
                ranked.add(new Ranked(entry, ranks.merge(entry.namespace(), 1, Integer::sum))));
    return ranked.stream()
        .sorted(
            Comparator.comparingInt(Ranked::rank)
                .thenComparing(one -> one.entry().since())
                .thenComparing(one -> one.entry().uid()))
        .map(Ranked::entry)
        .toList();
  }
}
