package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.store.LocalStore.Tagged;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The images of a store: those that have names, and those that had some or never got one. */
public final class StoreImages {
  private final LocalStore store;

  /**
   * An image.
   *
   * @param names none if it is dangling
   * @param config null for an index, and where it cannot be read
   */
  public record Image(Descriptor descriptor, List<Reference> names, @Nullable ImageConfig config) {
    public Image {
      names = List.copyOf(names);
    }

    /** Whether it has no name. */
    public boolean isDangling() {
      return names.isEmpty();
    }
  }

  /**
   * What was removed.
   *
   * @param reclaimed in bytes: blobs that nothing else needs
   */
  public record Removed(List<Image> images, long reclaimed) {}

  public StoreImages(LocalStore store) {
    this.store = store;
  }

  /** All of them, those with names first. */
  public List<Image> all() throws IOException {
    Map<Digest, Descriptor> descriptors = new LinkedHashMap<>();
    Map<Digest, List<Reference>> names = new LinkedHashMap<>();
    for (Tagged tagged : store.list()) {
      descriptors.putIfAbsent(tagged.descriptor().digest(), tagged.descriptor());
      names
          .computeIfAbsent(tagged.descriptor().digest(), digest -> new ArrayList<>())
          .add(tagged.name());
    }
    for (Records.Entry record : store.cacheRecords().list()) {
      if (record.key().startsWith(StoreContents.IMAGE)) {
        Optional<Descriptor> image = descriptor(record.value());
        if (image.isPresent() && Files.exists(store.blobPath(image.get().digest()))) {
          descriptors.putIfAbsent(image.get().digest(), image.get());
        }
      }
    }
    var images = new ArrayList<Image>();
    for (Descriptor image : descriptors.values()) {
      images.add(new Image(image, names.getOrDefault(image.digest(), List.of()), config(image)));
    }
    return images;
  }

  private static Optional<Descriptor> descriptor(byte[] record) {
    try {
      return Optional.of(Json.read(record, Descriptor.JSON, "the record of an image"));
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }

  private @Nullable ImageConfig config(Descriptor image) throws IOException {
    if (!MediaTypes.isManifest(image.mediaType())) {
      return null;
    }
    Optional<Manifest> manifest = ImageReach.read(store, image.digest(), Manifest.JSON);
    return manifest.isEmpty()
        ? null
        : ImageReach.read(store, manifest.get().config().digest(), ImageConfig.JSON).orElse(null);
  }

  /** Whether a process that has the store open has used an image. */
  boolean isInUse(Image image, FileTime oldestUse) throws IOException {
    return Uses.isUsed(store.blobPath(image.descriptor().digest()), oldestUse);
  }

  /**
   * Takes images and their names away, and the blobs that no other image and no step's result
   * needs. What a running process has used stays.
   */
  public Removed remove(Predicate<Image> unwanted) throws IOException {
    FileTime oldestUse = store.oldestUse();
    Set<Digest> steps = StoreContents.stepLayers(store);
    var removed = new ArrayList<Image>();
    try (LockedFile held = store.lock().exclusive()) {
      var kept = new ArrayList<Descriptor>();
      for (Image image : all()) {
        if (unwanted.test(image) && !isInUse(image, oldestUse)) {
          removed.add(image);
        } else {
          kept.add(image.descriptor());
        }
      }
      Set<Digest> needed = ImageReach.of(store, kept).blobs();
      Set<Digest> blobs =
          ImageReach.of(store, removed.stream().map(Image::descriptor).toList()).blobs();
      for (Image image : removed) {
        forget(image);
      }
      long reclaimed = 0;
      for (Digest blob : blobs) {
        Path file = store.blobPath(blob);
        if (!needed.contains(blob) && !steps.contains(blob) && !Uses.isUsed(file, oldestUse)) {
          reclaimed += delete(file);
        }
      }
      return new Removed(removed, reclaimed);
    }
  }

  private void forget(Image image) throws IOException {
    for (Reference name : image.names()) {
      store.untag(name);
    }
    store.cacheRecords().remove(StoreContents.IMAGE + image.descriptor().digest());
    store.cacheRecords().remove(StoreContents.ORIGINS + image.descriptor().digest());
  }

  /** Gives the bytes it had. */
  private static long delete(Path file) throws IOException {
    try {
      long size = Files.size(file);
      Files.delete(file);
      return size;
    } catch (NoSuchFileException gone) {
      return 0;
    }
  }
}
