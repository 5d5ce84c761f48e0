package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.operator.imagebuild.Limits.Entry;
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

/**
 * Who may start. What it knows is in the statuses, by way of the informer's cache; only the moments
 * that the cache is behind are bridged in memory, so that a restart forgets nothing.
 */
final class BuildQueue {
  /** The name of the cache's index over builds whose newest run is not finished. */
  static final String INDEX = "under-way";

  /** Reasons of Ready=Unknown with which a build would not start if it were its turn. */
  private static final Set<String> WAIT_NOT = Set.of("Suspended", Conditions.RECONCILE_FAILED);

  private final Limits limits;
  private final Map<String, Slot> admitted = new HashMap<>();
  private final Map<String, Long> finished = new HashMap<>();
  private Supplier<List<ImageBuild>> underWay = List::of;
  private Function<ResourceID, Optional<ImageBuild>> cache = _ -> Optional.empty();

  /** A start that the cache may not show yet. */
  private record Slot(ResourceID build, long run) {}

  BuildQueue(Limits limits) {
    this.limits = limits;
  }

  /**
   * Says where builds are found.
   *
   * @param underWay those whose newest run is not finished
   * @param cache any that exists
   */
  synchronized void of(
      Supplier<List<ImageBuild>> underWay, Function<ResourceID, Optional<ImageBuild>> cache) {
    this.underWay = underWay;
    this.cache = cache;
  }

  /** The values of {@link #INDEX} for a build. */
  static List<String> index(ImageBuild build) {
    return newest(build).filter(run -> !run.phase().finished()).isPresent()
        ? List.of(INDEX)
        : List.of();
  }

  /** A build's place, empty if it may start now; its slot is then taken. */
  synchronized Optional<Integer> enter(ImageBuild build) {
    var run = newest(build).orElseThrow();
    var entries = entries(underWay.get());
    var uid = build.getMetadata().getUid();
    if (entries.stream().noneMatch(entry -> entry.uid().equals(uid))) {
      entries.add(entry(build, run, false));
    }
    var place = limits.place(entries, uid);
    if (place.isEmpty()) {
      admitted.put(uid, new Slot(ResourceID.fromResource(build), run.number()));
    }
    return place;
  }

  /** Gives back a run's slot, if it has one. */
  synchronized void leave(ImageBuild build, long run) {
    vacate(build, run);
    finished.put(build.getMetadata().getUid(), run);
  }

  /** Gives back the slot of a build's newest run, which could not start after all. */
  synchronized void withdraw(ImageBuild build) {
    newest(build).ifPresent(run -> vacate(build, run.number()));
  }

  private void vacate(ImageBuild build, long run) {
    admitted.remove(build.getMetadata().getUid(), new Slot(ResourceID.fromResource(build), run));
  }

  /** How many slots are held in memory. */
  synchronized int held() {
    return admitted.size();
  }

  /** The builds that wait, the next one first. */
  synchronized List<ResourceID> next(int most) {
    return Limits.waiting(entries(underWay.get())).stream()
        .limit(most)
        .map(entry -> new ResourceID(entry.name(), entry.namespace()))
        .toList();
  }

  /** How many run and wait. */
  synchronized Map<Boolean, Long> counts() {
    return entries(underWay.get()).stream()
        .collect(Collectors.partitioningBy(Entry::runs, Collectors.counting()));
  }

  private List<Entry> entries(List<ImageBuild> builds) {
    List<Entry> entries = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (var build : builds) {
      var uid = build.getMetadata().getUid();
      var run = newest(build).orElse(null);
      if (run == null || build.getMetadata().getDeletionTimestamp() != null) {
        continue;
      }
      seen.add(uid);
      if (run.number() <= finished.getOrDefault(uid, 0L)) {
        continue;
      }
      boolean runs =
          run.platform().map(PlatformRun::job).isPresent()
              || Optional.ofNullable(admitted.get(uid))
                  .filter(slot -> slot.run() == run.number())
                  .isPresent();
      if (runs || waits(build)) {
        entries.add(entry(build, run, runs));
      }
    }
    // What the cache no longer lists is finished there too, or deleted.
    finished.keySet().retainAll(seen);
    admitted.entrySet().removeIf(held -> !seen.contains(held.getKey()) && isOver(held));
    return entries;
  }

  /**
   * Whether the build of a slot is deleted, or its run known to be over; a late cache is neither.
   */
  private boolean isOver(Map.Entry<String, Slot> held) {
    var found =
        cache
            .apply(held.getValue().build())
            .filter(build -> build.getMetadata().getUid().equals(held.getKey()));
    return found.isEmpty()
        || found
            .flatMap(BuildQueue::newest)
            .filter(run -> run.number() >= held.getValue().run() && run.phase().finished())
            .isPresent();
  }

  /** Whether nothing but its turn keeps a build without a Job from starting. */
  private static boolean waits(ImageBuild build) {
    return requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE)
        .condition(Conditions.READY)
        .filter(ready -> "False".equals(ready.getStatus()) || WAIT_NOT.contains(ready.getReason()))
        .isEmpty();
  }

  private static Entry entry(ImageBuild build, Run run, boolean runs) {
    return new Entry(
        build.getMetadata().getUid(),
        build.getMetadata().getNamespace(),
        build.getMetadata().getName(),
        requireNonNullElse(run.startTime(), ""),
        runs);
  }

  private static Optional<Run> newest(ImageBuild build) {
    return requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE).newestRun();
  }
}
