package build.kiln.runtime.transport;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.PushResult;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.ImageTree;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;

/** Images between a registry and a store: blobs before manifests, children before parents. */
final class RegistryTransfer {
  private final RegistryClient registry;
  private final LocalStore store;
  private final Moved moved;

  RegistryTransfer(RegistryClient registry, LocalStore store, Moved moved) {
    this.registry = registry;
    this.store = store;
    this.moved = moved;
  }

  /** Brings an image and all that is in it here; what is here is not fetched again. */
  void pull(Reference repository, FetchedManifest manifest) throws IOException {
    ImageTree tree = ImageTree.of(manifest.descriptor(), manifest.bytes());
    for (Descriptor child : tree.manifests()) {
      pull(repository, registry.fetchManifest(repository.withDigest(child.digest())));
    }
    Concurrently.all(tree.blobs(), blob -> pullBlob(repository, blob));
    if (!store.has(manifest.descriptor())) {
      store.put(manifest.descriptor(), new ByteArrayInputStream(manifest.bytes()));
    }
  }

  /**
   * Fetches blobs of an image that a build left in their registries.
   *
   * @param origins where they are
   */
  void complete(Descriptor root, Map<Digest, Reference> origins) throws IOException {
    ImageTree tree = ImageTree.of(root, store.read(root));
    for (Descriptor child : tree.manifests()) {
      complete(child, origins);
    }
    for (Descriptor blob : tree.blobs()) {
      Reference origin = origins.get(blob.digest());
      if (origin != null) {
        pullBlob(origin, blob);
      }
    }
  }

  private void pullBlob(Reference repository, Descriptor blob) throws IOException {
    if (store.has(blob)) {
      return;
    }
    try (InputStream in = registry.openBlob(repository, blob)) {
      store.put(blob, in);
    }
    moved.moved(blob.size());
  }

  /**
   * Brings an image to a registry.
   *
   * @param origins repositories that have blobs which the store lacks, and may be mounted from
   */
  void push(Descriptor root, Reference target, Map<Digest, Reference> origins) throws IOException {
    byte[] bytes = store.read(root);
    ImageTree tree = ImageTree.of(root, bytes);
    for (Descriptor child : tree.manifests()) {
      push(child, target.withDigest(child.digest()), origins);
    }
    Concurrently.all(tree.blobs(), blob -> pushBlob(blob, target, origins));
    registry.pushManifest(target, bytes, root.mediaType());
  }

  private void pushBlob(Descriptor blob, Reference target, Map<Digest, Reference> origins)
      throws IOException {
    Reference origin = origins.get(blob.digest());
    PushResult pushed =
        registry.pushBlob(
            target,
            blob,
            () ->
                origin == null || store.has(blob)
                    ? store.open(blob.digest())
                    : registry.openBlob(origin, blob),
            origin == null ? List.of() : List.of(origin));
    moved.blob(target, blob, pushed.how());
    moved.moved(pushed.bytesMoved());
  }
}
