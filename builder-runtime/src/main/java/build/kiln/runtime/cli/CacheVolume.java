package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.store.CacheEviction;
import build.kiln.runtime.store.CacheEviction.Outcome;
import build.kiln.runtime.store.CacheEviction.Wish;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;

/**
 * The volume of {@code cache.volume}, with the local store on it. Whatever is wrong with it, no
 * build fails of it.
 *
 * @param store the store's folder
 */
record CacheVolume(Path store, VolumeCache spec, BuildProgress progress) {
  /** Whether the store can be opened; if not, it is told why. */
  boolean isUsable() {
    try {
      LocalStore.open(store).close();
      return true;
    } catch (IOException e) {
      progress.warn(
          "the volume %s of cache.volume cannot be used, building without it: %s"
              .formatted(spec.claimName(), e));
      return false;
    }
  }

  /**
   * What is to go: a size is kept, and some room even if that is more than the volume has; without
   * a size, more room.
   *
   * @param percent of the file system, in bytes
   */
  static Wish wish(VolumeCache spec, long percent) {
    return spec.maxSize() == null
        ? new Wish(true, null, null, 10 * percent)
        : new Wish(true, null, spec.maxSize().getNumericalAmount().longValue(), percent);
  }

  /** What is to go for its age: nothing if no age is too old. */
  private static Wish tooOld(VolumeCache spec, Instant now) {
    return spec.maxAge() == null
        ? Wish.keep(Long.MAX_VALUE)
        : new Wish(true, FileTime.from(now.minus(Durations.parse(spec.maxAge()))), null, null);
  }

  /** Makes room, when the build needs nothing of it any more. */
  void evict() {
    try (LocalStore opened = LocalStore.open(store)) {
      var eviction = new CacheEviction(opened);
      List<Outcome> outcomes =
          eviction.run(List.of(tooOld(spec, Instant.now()), wish(spec, eviction.percent())));
      tell(outcomes.getFirst(), "for " + spec.maxAge());
      tell(outcomes.getLast(), "for the longest time");
    } catch (IOException e) {
      progress.warn(
          "cannot make room on the volume %s of cache.volume: %s".formatted(spec.claimName(), e));
    }
  }

  private void tell(Outcome outcome, String howLong) {
    if (!outcome.removed().isEmpty()) {
      progress.done(
          "making room on the cache's volume " + spec.claimName(),
          "%s removed that was not used %s, %s left"
              .formatted(Table.size(outcome.reclaimed()), howLong, Table.size(outcome.left())));
    }
  }
}
