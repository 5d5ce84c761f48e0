package build.kiln.runtime.store;

import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.store.CacheUnit.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Removes build cache, what was not used for the longest time first. Never what an image needs, or
 * what a process has used that still has the store open: also not where such processes come, look
 * and take while this one removes ({@link Uses}).
 */
public final class CacheEviction {
  private final LocalStore store;

  /**
   * What is to go.
   *
   * @param all also what only tells of images' layers
   * @param unusedSince only what was not used since then; null for any
   * @param keep until the cache is no larger, in bytes; null to keep nothing
   * @param free until so much of the file system is free, in bytes; null to look at keep only
   */
  public record Wish(
      boolean all, @Nullable FileTime unusedSince, @Nullable Long keep, @Nullable Long free) {
    /** Down to a size, whatever it is that goes. */
    public static Wish keep(long bytes) {
      return new Wish(true, null, bytes, null);
    }
  }

  /**
   * What was done.
   *
   * @param left size of what is left of the cache, in bytes
   */
  public record Outcome(List<CacheUnit> removed, long left) {
    public long reclaimed() {
      return removed.stream().mapToLong(CacheUnit::size).sum();
    }
  }

  public CacheEviction(LocalStore store) {
    this.store = store;
  }

  /** Removes what is wished. */
  public Outcome run(Wish wish) throws IOException {
    return run(List.of(wish)).getFirst();
  }

  /**
   * Fulfils one wish after the other, having looked at the cache once.
   *
   * @return what came of each
   */
  public List<Outcome> run(List<Wish> wishes) throws IOException {
    // Before looking: what those keep that have closed the store is seen then, and what all others
    // use is no older than this.
    FileTime oldestUse = store.oldestUse();
    List<CacheUnit> units = new ArrayList<>(StoreContents.cache(store));
    units.sort(Comparator.comparing(CacheUnit::used));
    var outcomes = new ArrayList<Outcome>();
    for (Wish wish : wishes) {
      Outcome outcome = remove(units, wish, oldestUse);
      units.removeAll(outcome.removed());
      outcomes.add(outcome);
    }
    return outcomes;
  }

  private Outcome remove(List<CacheUnit> units, Wish wish, FileTime oldestUse) throws IOException {
    long total = units.stream().mapToLong(CacheUnit::size).sum();
    long keep = keep(wish, total);
    var removed = new ArrayList<CacheUnit>();
    for (CacheUnit unit : units) {
      if (total <= keep) {
        break;
      }
      if (isWished(unit, wish) && remove(unit, oldestUse)) {
        removed.add(unit);
        total -= unit.size();
      }
    }
    return new Outcome(removed, total);
  }

  /** How large the cache may stay; -1 if nothing is to be kept. */
  private long keep(Wish wish, long total) throws IOException {
    Long keep = wish.keep();
    if (wish.free() != null) {
      long missing = wish.free() - Files.getFileStore(store.root()).getUsableSpace();
      long rest = missing <= 0 ? total : Math.max(0, total - missing);
      keep = keep == null ? rest : Math.min(keep, rest);
    }
    return keep == null ? -1 : keep;
  }

  private static boolean isWished(CacheUnit unit, Wish wish) {
    return (wish.all() || !unit.shared())
        && (wish.unusedSince() == null || unit.used().compareTo(wish.unusedSince()) < 0);
  }

  /** Looks once more, and removes: the records first, so that none leads nowhere for long. */
  private boolean remove(CacheUnit unit, FileTime oldestUse) throws IOException {
    if (unit.kind() == Kind.MOUNT) {
      return new StoredMounts(store).remove(unit, oldestUse);
    }
    if (unit.kind() == Kind.UNPACKED) {
      return new StoredLayers(store).remove(unit, oldestUse);
    }
    try (LockedFile held = store.lock().exclusive()) {
      for (Path file : unit.files()) {
        if (Uses.isUsed(file, oldestUse)) {
          return false;
        }
      }
      for (Path file : unit.files()) {
        Files.deleteIfExists(file);
      }
      return true;
    }
  }

  /** A hundredth of the file system that the store is on, in bytes. */
  public long percent() throws IOException {
    return Files.getFileStore(store.root()).getTotalSpace() / 100;
  }
}
