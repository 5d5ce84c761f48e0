package build.kiln.runtime.testkit;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Makes small valid images; the same seed makes the same ones. */
public final class RandomImages {
  private static final String CREATED = "2026-01-01T00:00:00Z";

  private final LocalStore store;
  private final Random random;

  public RandomImages(LocalStore store, long seed) {
    this.store = store;
    this.random = new Random(seed);
  }

  /** An image of this machine's platform with gzip layers. */
  public Descriptor image(int layers) throws IOException {
    return image(Platform.host(), layers, Compression.GZIP);
  }

  /** An image; its manifest's descriptor has the platform. */
  public Descriptor image(Platform platform, int layers, Compression compression)
      throws IOException {
    var made = new ArrayList<Layer>();
    var history = new ArrayList<ImageConfig.History>();
    for (int i = 0; i < layers; i++) {
      made.add(store.layers().write(files(i), compression));
      history.add(new ImageConfig.History(CREATED, "COPY layer" + i, null, null, null));
    }
    history.add(new ImageConfig.History(CREATED, "CMD [\"/bin/sh\"]", null, null, true));
    return image(platform, made, history);
  }

  /** An image of given layers. */
  public Descriptor image(Platform platform, List<Layer> layers, List<ImageConfig.History> history)
      throws IOException {
    var config =
        new ImageConfig(
            CREATED,
            null,
            platform.architecture(),
            platform.variant(),
            platform.os(),
            null,
            null,
            new ImageConfig.ContainerConfig(
                null,
                null,
                List.of("PATH=/bin"),
                null,
                List.of("/bin/sh"),
                null,
                null,
                null,
                "/",
                Map.of("seed", Long.toString(random.nextLong())),
                null,
                null,
                null),
            new ImageConfig.RootFs(layers.stream().map(Layer::diffId).toList()),
            history);
    Descriptor stored = store.put(MediaTypes.OCI_CONFIG, Json.write(config));
    var manifest = Manifest.oci(stored, layers.stream().map(Layer::descriptor).toList(), null);
    return store.put(MediaTypes.OCI_MANIFEST, Json.write(manifest)).withPlatform(platform);
  }

  /** An index of one image for each platform. */
  public Descriptor index(Platform... platforms) throws IOException {
    var manifests = new ArrayList<Descriptor>();
    for (Platform platform : platforms) {
      manifests.add(image(platform, 2, Compression.GZIP));
    }
    var index = new Index(2, MediaTypes.OCI_INDEX, null, manifests, null, null);
    return store.put(MediaTypes.OCI_INDEX, Json.write(index));
  }

  private LayerSource files(int layer) {
    byte[] content = new byte[random.nextInt(1, 20_000)];
    random.nextBytes(content);
    int mode = random.nextBoolean() ? 0644 : 04755;
    return sink -> {
      sink.add(EntryMeta.directory("layer" + layer, 0755, 0, 0, 1));
      var file = EntryMeta.file("layer" + layer + "/file", mode, 1, 2, 3, content.length);
      sink.add(file.withLinkId(1), new ByteArrayInputStream(content));
      sink.add(file.withPath("layer" + layer + "/hard link").withLinkId(1));
      sink.add(EntryMeta.symlink("layer" + layer + "/link", "file", 0, 0, 4));
      if (layer > 0) {
        sink.whiteout("layer" + (layer - 1) + "/link");
      }
    };
  }

  /**
   * Pushes an image or an index with all that it points at.
   *
   * @param target where it goes; its tag or digest names the root
   */
  public static void push(
      LocalStore store, Descriptor root, RegistryClient client, Reference target)
      throws IOException {
    byte[] bytes = store.read(root);
    if (MediaTypes.isIndex(root.mediaType())) {
      for (Descriptor manifest : Json.read(bytes, Index.JSON, "index").manifests()) {
        push(store, manifest, client, target.withDigest(manifest.digest()));
      }
    } else {
      Manifest manifest = Json.read(bytes, Manifest.JSON, "manifest");
      var blobs = new ArrayList<>(manifest.layers());
      blobs.add(manifest.config());
      for (Descriptor blob : blobs) {
        var content = BlobSource.of(store.blobPath(blob.digest()));
        client.pushBlob(target, blob, content, List.of());
      }
    }
    client.pushManifest(target, bytes, root.mediaType());
  }
}
