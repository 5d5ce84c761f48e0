package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import build.kiln.operator.job.Limits.Entry;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who may start. What it knows is in the statuses, by way of the informer's cache; only the moments
 * that the cache is behind are bridged in memory, so that a restart forgets nothing.
 */
public class RunQueue<R extends HasMetadata> {
  /** The name of the cache's index over resources whose newest run is not finished. */
  public static final String INDEX = "under-way";

  /** Reasons of Ready=Unknown with which a run would not start if it were its turn. */
  private static final Set<String> WAIT_NOT =
      Set.of(Conditions.SUSPENDED, Conditions.RECONCILE_FAILED);

  private final Limits limits;
  private final Function<R, Optional<Newest>> reader;
  private final Map<String, Slot> admitted = new HashMap<>();
  private final Map<String, Long> finished = new HashMap<>();
  private Supplier<List<R>> underWay = List::of;
  private Function<ResourceID, Optional<R>> cache = _ -> Optional.empty();

  /** A start that the cache may not show yet. */
  private record Slot(ResourceID resource, long run) {}

  /**
   * The newest run of a resource, as its status has it.
   *
   * @param since when it was accepted, RFC 3339
   * @param hasJob whether it has a Job
   * @param waits whether nothing but its turn keeps it from having one
   */
  public record Newest(
      long number, String since, boolean finished, boolean hasJob, boolean waits) {}

  /**
   * @param reader reads a status; empty if there was no run yet
   */
  public RunQueue(Limits limits, Function<R, Optional<Newest>> reader) {
    this.limits = limits;
    this.reader = reader;
  }

  /** Whether nothing but its turn keeps a run without a Job from starting, as conditions say. */
  public static boolean waits(@Nullable List<Condition> conditions) {
    return Conditions.find(conditions, Conditions.READY)
        .filter(ready -> "False".equals(ready.getStatus()) || WAIT_NOT.contains(ready.getReason()))
        .isEmpty();
  }

  /**
   * Says where resources are found.
   *
   * @param underWay those whose newest run is not finished
   * @param cache any that exists
   */
  public synchronized void of(Supplier<List<R>> underWay, Function<ResourceID, Optional<R>> cache) {
    this.underWay = underWay;
    this.cache = cache;
  }

  /** The values of {@link #INDEX} for a resource. */
  public List<String> index(R resource) {
    return reader.apply(resource).filter(run -> !run.finished()).isPresent()
        ? List.of(INDEX)
        : List.of();
  }

  /** A resource's place, empty if it may start now; its slot is then taken. */
  public synchronized Optional<Integer> enter(R resource) {
    var run = reader.apply(resource).orElseThrow();
    var entries = entries(underWay.get());
    var uid = resource.getMetadata().getUid();
    if (entries.stream().noneMatch(entry -> entry.uid().equals(uid))) {
      entries.add(entry(resource, run, false));
    }
    var place = limits.place(entries, uid);
    if (place.isEmpty()) {
      admitted.put(uid, new Slot(ResourceID.fromResource(resource), run.number()));
    }
    return place;
  }

  /** Gives back a run's slot, if it has one. */
  public synchronized void leave(R resource, long run) {
    vacate(resource, run);
    finished.put(resource.getMetadata().getUid(), run);
  }

  /** Gives back the slot of a resource's newest run, which could not start after all. */
  public synchronized void withdraw(R resource) {
    reader.apply(resource).ifPresent(run -> vacate(resource, run.number()));
  }

  private void vacate(R resource, long run) {
    admitted.remove(
        resource.getMetadata().getUid(), new Slot(ResourceID.fromResource(resource), run));
  }

  /** How many slots are held in memory. */
  public synchronized int held() {
    return admitted.size();
  }

  /** The resources that wait, the next one first. */
  public synchronized List<ResourceID> next(int most) {
    return Limits.waiting(entries(underWay.get())).stream()
        .limit(most)
        .map(entry -> new ResourceID(entry.name(), entry.namespace()))
        .toList();
  }

  /** How many run and wait. */
  public synchronized Map<Boolean, Long> counts() {
    return entries(underWay.get()).stream()
        .collect(Collectors.partitioningBy(Entry::runs, Collectors.counting()));
  }

  private List<Entry> entries(List<R> resources) {
    List<Entry> entries = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (var resource : resources) {
      var uid = resource.getMetadata().getUid();
      var run = reader.apply(resource).orElse(null);
      if (run == null || resource.getMetadata().getDeletionTimestamp() != null) {
        continue;
      }
      seen.add(uid);
      if (run.number() <= finished.getOrDefault(uid, 0L)) {
        continue;
      }
      boolean runs =
          run.hasJob()
              || Optional.ofNullable(admitted.get(uid))
                  .filter(slot -> slot.run() == run.number())
                  .isPresent();
      if (runs || run.waits()) {
        entries.add(entry(resource, run, runs));
      }
    }
    // What the cache no longer lists is finished there too, or deleted.
    finished.keySet().retainAll(seen);
    admitted.entrySet().removeIf(held -> !seen.contains(held.getKey()) && isOver(held));
    return entries;
  }

  /**
   * Whether the resource of a slot is deleted, or its run known to be over; a late cache is
   * neither.
   */
  private boolean isOver(Map.Entry<String, Slot> held) {
    var found =
        cache
            .apply(held.getValue().resource())
            .filter(resource -> resource.getMetadata().getUid().equals(held.getKey()));
    return found.isEmpty()
        || found
            .flatMap(reader)
            .filter(run -> run.number() >= held.getValue().run() && run.finished())
            .isPresent();
  }

  private Entry entry(R resource, Newest run, boolean runs) {
    return new Entry(
        resource.getMetadata().getUid(),
        requireNonNullElse(resource.getMetadata().getNamespace(), ""),
        resource.getMetadata().getName(),
        run.since(),
        runs);
  }
}
