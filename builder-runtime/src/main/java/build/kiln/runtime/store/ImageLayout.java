package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.store.StoreException.Code;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An image as an OCI image layout (OCI image-spec 1.1, image layout): its blobs, {@code oci-layout}
 * and {@code index.json}, in an order that depends on the image alone. Names are written as
 * BuildKit writes them.
 */
final class ImageLayout {
  static final byte[] VERSION =
      "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8);

  private final LocalStore store;
  private final Map<Digest, Descriptor> blobs = new LinkedHashMap<>();

  private ImageLayout(LocalStore store) {
    this.store = store;
  }

  /**
   * Writes all of it, and nothing before every blob was seen to be there.
   *
   * @param images of which blobs may be the same
   * @param more further files at the layout's root
   * @throws StoreException NOT_FOUND if a blob is missing; CONTENT_MISMATCH if one is damaged
   */
  static void write(
      LocalStore store, List<NamedImage> images, Map<String, byte[]> more, LayoutTarget target)
      throws IOException {
    var layout = new ImageLayout(store);
    for (NamedImage image : images) {
      layout.collect(image.root());
    }
    layout.writeTo(images, more, target);
  }

  /** The blobs of an image, each once, all of which are there. */
  static List<Descriptor> blobs(LocalStore store, Descriptor root) throws IOException {
    var layout = new ImageLayout(store);
    layout.collect(root);
    return List.copyOf(layout.blobs.values());
  }

  private void collect(Descriptor descriptor) throws IOException {
    if (blobs.putIfAbsent(descriptor.digest(), descriptor) != null) {
      return;
    }
    if (!store.has(descriptor)) {
      throw new StoreException(
          Code.NOT_FOUND,
          "cannot write the image: the local store %s lacks its blob %s (%s); pull or build it again"
              .formatted(store.root(), descriptor.digest(), descriptor.mediaType()));
    }
    if (MediaTypes.isIndex(descriptor.mediaType())) {
      String what = "index " + descriptor.digest();
      for (Descriptor manifest : Json.read(store.read(descriptor), Index.JSON, what).manifests()) {
        collect(manifest);
      }
    } else if (MediaTypes.isManifest(descriptor.mediaType())) {
      String what = "manifest " + descriptor.digest();
      Manifest manifest = Json.read(store.read(descriptor), Manifest.JSON, what);
      collect(manifest.config());
      for (Descriptor layer : manifest.layers()) {
        collect(layer);
      }
    }
  }

  private void writeTo(List<NamedImage> images, Map<String, byte[]> more, LayoutTarget target)
      throws IOException {
    var byAlgorithm = new TreeMap<String, List<Descriptor>>();
    for (Descriptor blob : blobs.values()) {
      byAlgorithm.computeIfAbsent(blob.digest().algorithm(), a -> new ArrayList<>()).add(blob);
    }
    target.directory("blobs");
    for (Map.Entry<String, List<Descriptor>> entry : byAlgorithm.entrySet()) {
      target.directory("blobs/" + entry.getKey());
      for (Descriptor blob : entry.getValue()) {
        try (var content = new VerifiedBlob(store.open(blob.digest()), blob)) {
          target.file(path(blob.digest()), blob.size(), content);
        }
      }
    }
    List<Descriptor> entries = images.stream().flatMap(image -> image.entries().stream()).toList();
    target.file(
        "index.json", Json.write(new Index(2, MediaTypes.OCI_INDEX, null, entries, null, null)));
    for (Map.Entry<String, byte[]> file : more.entrySet()) {
      target.file(file.getKey(), file.getValue());
    }
    target.file("oci-layout", VERSION);
  }

  /** Where a layout has a blob. */
  static String path(Digest digest) {
    return "blobs/" + digest.algorithm() + "/" + digest.hex();
  }
}
