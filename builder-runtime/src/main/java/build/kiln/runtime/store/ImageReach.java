package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The blobs that images need, whether they are here or not, and the diff IDs of their layers.
 * Nothing is marked as used by looking. What is damaged leads nowhere.
 */
final class ImageReach {
  private static final int MAX_DOCUMENT = 16 * 1024 * 1024;

  private final LocalStore store;
  private final Set<Digest> blobs = new HashSet<>();
  private final Set<Digest> diffIds = new HashSet<>();

  private ImageReach(LocalStore store) {
    this.store = store;
  }

  static ImageReach of(LocalStore store, Collection<Descriptor> images) throws IOException {
    var reach = new ImageReach(store);
    for (Descriptor image : images) {
      reach.add(image);
    }
    return reach;
  }

  Set<Digest> blobs() {
    return blobs;
  }

  Set<Digest> diffIds() {
    return diffIds;
  }

  private void add(Descriptor image) throws IOException {
    if (!blobs.add(image.digest())) {
      return;
    }
    if (MediaTypes.isIndex(image.mediaType())) {
      Optional<Index> index = read(store, image.digest(), Index.JSON);
      if (index.isPresent()) {
        for (Descriptor manifest : index.get().manifests()) {
          add(manifest);
        }
      }
    } else if (MediaTypes.isManifest(image.mediaType())) {
      Optional<Manifest> manifest = read(store, image.digest(), Manifest.JSON);
      if (manifest.isPresent()) {
        manifest.get().layers().forEach(layer -> blobs.add(layer.digest()));
        Digest config = manifest.get().config().digest();
        blobs.add(config);
        read(store, config, ImageConfig.JSON).ifPresent(this::addDiffIds);
      }
    }
  }

  private void addDiffIds(ImageConfig config) {
    diffIds.addAll(config.rootfs().diffIds());
  }

  /** A document among the blobs; empty if it is not there, or none of this type. */
  static <T> Optional<T> read(LocalStore store, Digest digest, JsonForm<T> form)
      throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(store.blobPath(digest))) {
      bytes = in.readNBytes(MAX_DOCUMENT);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    try {
      return Optional.of(Json.read(bytes, form, digest.toString()));
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }
}
