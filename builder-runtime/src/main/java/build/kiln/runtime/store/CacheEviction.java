package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.store.CacheUnit.Kind;
import build.kiln.runtime.store.LocalStore.Tagged;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
    /** Down to a size, whatever it is. */
    public static Wish keep(long bytes) {
      return new Wish(true, null, bytes, null);
    }

    /** Until so much of the file system is free. */
    public static Wish free(long bytes) {
      return new Wish(true, null, null, bytes);
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
    List<CacheUnit> units = new ArrayList<>(StoreContents.cache(store));
    units.sort(Comparator.comparing(CacheUnit::used));
    long total = units.stream().mapToLong(CacheUnit::size).sum();
    long keep = keep(wish, total);
    var removed = new ArrayList<CacheUnit>();
    var mounts = new ArrayList<Path>();
    var stored = new StoredMounts(store);
    try (LockedFile held = store.lock().exclusive()) {
      FileTime oldestUse = store.oldestUse();
      List<Descriptor> images = store.list().stream().map(Tagged::descriptor).toList();
      Set<Digest> needed = ImageReach.of(store, images).blobs();
      for (CacheUnit unit : units) {
        if (total <= keep) {
          break;
        }
        if (!isWished(unit, wish)) {
          continue;
        }
        boolean gone;
        if (unit.kind() == Kind.MOUNT) {
          Optional<Path> taken = stored.take(unit, oldestUse);
          taken.ifPresent(mounts::add);
          gone = taken.isPresent();
        } else {
          gone = remove(unit, needed, oldestUse);
        }
        if (gone) {
          removed.add(unit);
          total -= unit.size();
        }
      }
    }
    // Large trees take their time, and nobody sees them any more.
    for (Path mount : mounts) {
      StoredMounts.remove(mount);
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
  private static boolean remove(CacheUnit unit, Set<Digest> needed, FileTime oldestUse)
      throws IOException {
    if (unit.blob() != null && needed.contains(unit.blob())) {
      return false;
    }
    for (Path file : unit.files()) {
      if (StoreImages.used(file, oldestUse)) {
        return false;
      }
    }
    for (Path file : unit.files()) {
      Files.deleteIfExists(file);
    }
    return true;
  }

  /** A tenth of the file system that the store is on, in bytes. */
  public long tenth() throws IOException {
    FileStore fileSystem = Files.getFileStore(store.root());
    return fileSystem.getTotalSpace() / 10;
  }
}
