package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.store.CacheUnit.Kind;
import build.kiln.runtime.store.StoreImages.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a store holds, in numbers. Active is what a running process has used. */
public record StoreUsage(Row images, Row cache, Row mounts) {

  /**
   * @param size in bytes; blobs that several have in common count once
   * @param reclaimable what a removal of all would bring, in bytes
   */
  public record Row(int total, int active, long size, long reclaimable) {}

  public static StoreUsage of(LocalStore store) throws IOException {
    FileTime oldestUse = store.oldestUse();
    List<CacheUnit> units = StoreContents.cache(store);
    return new StoreUsage(
        images(store, oldestUse),
        units(units.stream().filter(unit -> unit.kind() != Kind.MOUNT).toList(), oldestUse),
        units(units.stream().filter(unit -> unit.kind() == Kind.MOUNT).toList(), oldestUse));
  }

  private static Row images(LocalStore store, FileTime oldestUse) throws IOException {
    var images = new StoreImages(store);
    var all = new ArrayList<Descriptor>();
    var active = new ArrayList<Descriptor>();
    for (Image image : images.all()) {
      all.add(image.descriptor());
      if (images.isInUse(image, oldestUse)) {
        active.add(image.descriptor());
      }
    }
    Set<Digest> blobs = ImageReach.of(store, all).blobs();
    Set<Digest> kept = ImageReach.of(store, active).blobs();
    long size = 0;
    long keptSize = 0;
    for (Digest blob : blobs) {
      long bytes = size(store, blob);
      size += bytes;
      keptSize += kept.contains(blob) ? bytes : 0;
    }
    return new Row(all.size(), active.size(), size, size - keptSize);
  }

  private static long size(LocalStore store, Digest blob) throws IOException {
    try {
      return Files.size(store.blobPath(blob));
    } catch (NoSuchFileException onlyInItsRegistry) {
      return 0;
    }
  }

  private static Row units(List<CacheUnit> units, FileTime oldestUse) throws IOException {
    int total = 0;
    int active = 0;
    long size = 0;
    long reclaimable = 0;
    for (CacheUnit unit : units) {
      boolean used =
          unit.used().compareTo(oldestUse) >= 0
              || unit.kind() == Kind.MOUNT && StoredMounts.isLocked(unit);
      if (unit.kind() != Kind.RECORD) {
        total++;
        active += used ? 1 : 0;
      }
      size += unit.size();
      reclaimable += used ? 0 : unit.size();
    }
    return new Row(total, active, size, reclaimable);
  }
}
