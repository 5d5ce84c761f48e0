package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
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

  /** By what the documents name, not by their media types: an index may list any. */
  private void add(Descriptor document) throws IOException {
    if (!blobs.add(document.digest())) {
      return;
    }
    Optional<ImageTree> tree = tree(document);
    if (tree.isEmpty()) {
      return;
    }
    for (Descriptor child : tree.get().manifests()) {
      add(child);
    }
    tree.get().blobs().forEach(blob -> blobs.add(blob.digest()));
    Descriptor config = tree.get().config();
    if (config != null) {
      read(store, config.digest(), ImageConfig.JSON).ifPresent(this::addDiffIds);
    }
  }

  private Optional<ImageTree> tree(Descriptor document) throws IOException {
    Optional<byte[]> bytes = bytes(store, document.digest());
    try {
      return bytes.isEmpty() ? Optional.empty() : Optional.of(ImageTree.of(document, bytes.get()));
    } catch (StoreException damaged) {
      return Optional.empty();
    }
  }

  private void addDiffIds(ImageConfig config) {
    diffIds.addAll(config.rootfs().diffIds());
  }

  /** A document among the blobs; empty if it is not there, or none of this type. */
  static <T> Optional<T> read(LocalStore store, Digest digest, JsonForm<T> form)
      throws IOException {
    Optional<byte[]> bytes = bytes(store, digest);
    try {
      return bytes.isEmpty()
          ? Optional.empty()
          : Optional.of(Json.read(bytes.get(), form, digest.toString()));
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }

  private static Optional<byte[]> bytes(LocalStore store, Digest digest) throws IOException {
    try (InputStream in = Files.newInputStream(store.blobPath(digest))) {
      return Optional.of(in.readNBytes(MAX_DOCUMENT));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }
}
