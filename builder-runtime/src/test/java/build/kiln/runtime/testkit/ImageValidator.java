package build.kiln.runtime.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads all of an image and says what is wrong with it: documents and media types, every digest and
 * size against the bytes, diff ids against the layers' tars, history against layers, and the tars
 * themselves. It believes no check that others made.
 */
public final class ImageValidator {
  private static final Map<String, Set<String>> LAYER_TYPES =
      Map.of(
          MediaTypes.OCI_MANIFEST,
          Set.of(MediaTypes.OCI_LAYER, MediaTypes.OCI_LAYER_GZIP, MediaTypes.OCI_LAYER_ZSTD),
          MediaTypes.DOCKER_MANIFEST,
          Set.of(
              MediaTypes.DOCKER_LAYER,
              MediaTypes.DOCKER_LAYER_GZIP,
              MediaTypes.DOCKER_LAYER_ZSTD,
              // Docker pushes OCI's zstd type in its own manifests.
              MediaTypes.OCI_LAYER_ZSTD));

  private final Source source;
  private final List<String> problems = new ArrayList<>();

  /** Where bytes come from. */
  private interface Source {
    InputStream open(Descriptor descriptor) throws IOException;
  }

  private ImageValidator(Source source) {
    this.source = source;
  }

  /** What is wrong with an image or index in a store; nothing if it is valid. */
  public static List<String> problems(LocalStore store, Descriptor root) {
    var validator = new ImageValidator(descriptor -> store.open(descriptor.digest()));
    validator.root(root);
    return validator.problems;
  }

  /** What is wrong with an image or index in a registry; nothing if it is valid. */
  public static List<String> problems(RegistryClient client, Reference image) throws IOException {
    Descriptor root = client.fetchManifest(image).descriptor();
    var validator =
        new ImageValidator(
            descriptor -> {
              String type = descriptor.mediaType();
              return MediaTypes.isManifest(type) || MediaTypes.isIndex(type)
                  ? new java.io.ByteArrayInputStream(
                      client.fetchManifest(image.withDigest(descriptor.digest())).bytes())
                  : client.openBlob(image, descriptor);
            });
    validator.root(root);
    return validator.problems;
  }

  public static void assertValid(LocalStore store, Descriptor root) {
    assertThat(problems(store, root)).as("problems of %s", root.digest()).isEmpty();
  }

  public static void assertValid(RegistryClient client, Reference image) throws IOException {
    assertThat(problems(client, image)).as("problems of %s", image).isEmpty();
  }

  private void root(Descriptor root) {
    String type = root.mediaType();
    if (MediaTypes.isIndex(type)) {
      index(root);
    } else if (MediaTypes.isManifest(type)) {
      manifest(root);
    } else {
      problem(root, "has the media type " + type + ", which is no image");
    }
  }

  private void index(Descriptor descriptor) {
    Optional<Index> index = document(descriptor, Index.JSON);
    if (index.isEmpty()) {
      return;
    }
    mediaType(descriptor, index.get().mediaType());
    if (index.get().manifests().isEmpty()) {
      problem(descriptor, "lists no manifest");
    }
    index.get().manifests().forEach(this::root);
  }

  private void manifest(Descriptor descriptor) {
    Optional<Manifest> document = document(descriptor, Manifest.JSON);
    if (document.isEmpty()) {
      return;
    }
    Manifest manifest = document.get();
    mediaType(descriptor, manifest.mediaType());
    boolean oci = descriptor.mediaType().equals(MediaTypes.OCI_MANIFEST);
    String configType = oci ? MediaTypes.OCI_CONFIG : MediaTypes.DOCKER_CONFIG;
    if (!manifest.config().mediaType().equals(configType)) {
      problem(
          descriptor,
          "has a configuration of type " + manifest.config().mediaType() + ", want " + configType);
      return;
    }
    document(manifest.config(), ImageConfig.JSON)
        .ifPresent(config -> image(descriptor, manifest, config));
  }

  private void image(Descriptor descriptor, Manifest manifest, ImageConfig config) {
    config(manifest.config(), config, descriptor.platform(), manifest.layers().size());
    List<Digest> diffIds = config.rootfs().diffIds();
    Set<String> types = LAYER_TYPES.get(descriptor.mediaType());
    for (int i = 0; i < manifest.layers().size(); i++) {
      Descriptor layer = manifest.layers().get(i);
      if (types == null || !types.contains(layer.mediaType())) {
        problem(descriptor, "has a layer of type " + layer.mediaType());
      }
      layer(layer, i < diffIds.size() ? diffIds.get(i) : null);
    }
  }

  private void config(
      Descriptor descriptor, ImageConfig config, @Nullable Platform wanted, int layers) {
    if (isBlank(config.architecture()) || isBlank(config.os())) {
      problem(descriptor, "names no platform");
    } else if (wanted != null && !wanted.accepts(config.platform())) {
      problem(descriptor, "is for " + config.platform() + ", its index says " + wanted);
    }
    if (config.rootfs() == null) {
      problem(descriptor, "has no rootfs");
      return;
    }
    if (!"layers".equals(config.rootfs().type())) {
      problem(descriptor, "has rootfs.type " + config.rootfs().type() + ", want layers");
    }
    int diffIds = config.rootfs().diffIds() == null ? 0 : config.rootfs().diffIds().size();
    if (diffIds != layers) {
      problem(descriptor, "has " + diffIds + " diff ids for " + layers + " layers");
    }
    if (config.history() != null) {
      long steps =
          config.history().stream().filter(step -> !Boolean.TRUE.equals(step.emptyLayer())).count();
      if (steps != layers) {
        problem(
            descriptor, "has " + steps + " history entries with a layer for " + layers + " layers");
      }
    }
  }

  private static boolean isBlank(@Nullable String text) {
    return text == null || text.isBlank();
  }

  private void mediaType(Descriptor descriptor, @Nullable String own) {
    // OCI lets documents leave it out.
    boolean docker = descriptor.mediaType().startsWith("application/vnd.docker.");
    if (own == null ? docker : !own.equals(descriptor.mediaType())) {
      problem(
          descriptor, "calls itself " + own + ", its descriptor says " + descriptor.mediaType());
    }
  }

  private <T> Optional<T> document(Descriptor descriptor, JsonForm<T> form) {
    try (var in = new Hashed(source.open(descriptor), descriptor.digest().newHash())) {
      byte[] bytes = in.readAllBytes();
      check(descriptor, in);
      return Optional.of(Json.read(bytes, form, descriptor.digest().toString()));
    } catch (IOException | OciException e) {
      problem(descriptor, "cannot be read: " + e.getMessage());
      return Optional.empty();
    }
  }

  private void layer(Descriptor descriptor, @Nullable Digest diffId) {
    MessageDigest tarHash = diffId == null ? Digest.sha256() : diffId.newHash();
    try (var blob = new Hashed(source.open(descriptor), descriptor.digest().newHash())) {
      byte[] start = new byte[0];
      try (var peek = source.open(descriptor)) {
        start = peek.readNBytes(6);
      }
      compression(descriptor, Decompression.detect(start));
      try (var tar =
          new DigestInputStream(
              Decompression.open(blob, "layer " + descriptor.digest()), tarHash)) {
        entries(descriptor, TarReader.ofLayer(tar, "layer " + descriptor.digest()));
        tar.transferTo(OutputStream.nullOutputStream());
        blob.transferTo(OutputStream.nullOutputStream());
        check(descriptor, blob);
        String found = HexFormat.of().formatHex(tarHash.digest());
        if (diffId != null && !found.equals(diffId.hex())) {
          problem(descriptor, "inflates to " + found + ", its diff id is " + diffId);
        }
      }
    } catch (IOException e) {
      problem(descriptor, "cannot be read: " + e.getMessage());
    }
  }

  private void compression(Descriptor descriptor, Decompression.Format found) {
    String type = descriptor.mediaType();
    Decompression.Format wanted =
        type.endsWith("gzip")
            ? Decompression.Format.GZIP
            : type.endsWith("zstd") ? Decompression.Format.ZSTD : Decompression.Format.NONE;
    if (found != wanted) {
      problem(descriptor, "is compressed by " + found + ", its type is " + type);
    }
  }

  private void entries(Descriptor descriptor, TarReader tar) throws IOException {
    var paths = new HashSet<String>();
    for (Optional<LayerEvent> event = tar.next(); event.isPresent(); event = tar.next()) {
      switch (event.get()) {
        case LayerEvent.Entry entry -> entry(descriptor, entry.meta(), paths);
        case LayerEvent.Whiteout whiteout -> {
          if (whiteout.path().isEmpty()) {
            problem(descriptor, "removes the root");
          }
        }
        case LayerEvent.Opaque opaque -> {}
      }
    }
  }

  private void entry(Descriptor descriptor, EntryMeta entry, Set<String> paths) {
    if (entry.kind() == EntryMeta.Kind.HARDLINK
        && !paths.contains(String.valueOf(entry.linkTarget()))) {
      problem(
          descriptor,
          "links \""
              + entry.path()
              + "\" to \""
              + entry.linkTarget()
              + "\", which is not before it");
    }
    if (!paths.add(entry.path())) {
      problem(descriptor, "has the entry \"" + entry.path() + "\" twice");
    }
  }

  private void check(Descriptor descriptor, Hashed read) {
    String found = HexFormat.of().formatHex(read.hash.digest());
    if (!found.equals(descriptor.digest().hex())) {
      problem(descriptor, "has the digest " + found);
    }
    if (read.count != descriptor.size()) {
      problem(descriptor, "has " + read.count + " bytes, its descriptor says " + descriptor.size());
    }
  }

  private void problem(Descriptor descriptor, String what) {
    problems.add(descriptor.digest() + " " + what);
  }

  /** Counts and hashes what is read. */
  private static final class Hashed extends InputStream {
    private final InputStream in;
    private final MessageDigest hash;
    private long count;

    Hashed(InputStream in, MessageDigest hash) {
      this.in = in;
      this.hash = hash;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      int n = in.read(buffer, offset, length);
      if (n > 0) {
        hash.update(buffer, offset, n);
        count += n;
      }
      return n;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
