package build.kiln.runtime.bench;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** Pushes images whose layers are made from seeds: a gzipped tar of one file, which is noise. */
final class SourceImages implements AutoCloseable {
  private static final int NOISE = 1 << 16;

  /**
   * A layer that was made; it lies in a file until this is closed.
   *
   * @param diffId the digest of its tar
   * @param first the repository that got it first
   */
  private record Layer(Path file, Descriptor blob, String diffId, Reference first) {}

  private final RegistryClient client =
      new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous());
  private final String registry;
  private final Path folder;
  private final Map<Long, Layer> layers = new HashMap<>();

  /**
   * @param folder for files that are on their way
   */
  SourceImages(String registry, Path folder) throws IOException {
    this.registry = registry;
    this.folder = Files.createDirectories(folder);
  }

  /**
   * A layer to be.
   *
   * @param seed layers of one seed are the same
   * @param bytes of its file
   */
  record Content(long seed, long bytes) {}

  /** Pushes one under {@code repository:tag}. */
  void push(String name, List<Content> contents) throws IOException {
    Reference target = Reference.parse(registry + "/" + name);
    var blobs = new java.util.ArrayList<Descriptor>();
    var diffIds = new java.util.ArrayList<String>();
    for (Content content : contents) {
      Layer layer = layers.get(content.seed());
      if (layer == null) {
        layer = make(content, target);
        layers.put(content.seed(), layer);
      }
      Path file = layer.file();
      client.pushBlob(
          target, layer.blob(), () -> Files.newInputStream(file), List.of(layer.first()));
      blobs.add(layer.blob());
      diffIds.add(layer.diffId());
    }
    byte[] config =
        Json.write(
            Map.of(
                "architecture",
                "amd64",
                "os",
                "linux",
                "config",
                Map.of("Labels", Map.of("name", name)),
                "rootfs",
                Map.of("type", "layers", "diff_ids", diffIds)));
    Descriptor stored = Descriptor.ofBytes(MediaTypes.OCI_CONFIG, config);
    client.pushBlob(target, stored, () -> new java.io.ByteArrayInputStream(config), List.of());
    client.pushManifest(
        target, Json.write(Manifest.oci(stored, blobs, null)), MediaTypes.OCI_MANIFEST);
  }

  private Layer make(Content content, Reference target) throws IOException {
    Path file = folder.resolve("layer-" + content.seed());
    MessageDigest blob = sha256();
    MessageDigest tar = sha256();
    try (var out =
            new DigestOutputStream(
                new BufferedOutputStream(Files.newOutputStream(file), 1 << 18), blob);
        var gzip = new Stored(out);
        var archive = new TarArchiveOutputStream(new DigestOutputStream(gzip, tar))) {
      archive.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
      var entry = new TarArchiveEntry("data/" + content.seed());
      entry.setSize(content.bytes());
      entry.setModTime(Bytes.OLD);
      archive.putArchiveEntry(entry);
      var random = new Random(content.seed());
      byte[] noise = new byte[NOISE];
      for (long left = content.bytes(); left > 0; left -= noise.length) {
        random.nextBytes(noise);
        archive.write(noise, 0, (int) Math.min(left, noise.length));
      }
      archive.closeArchiveEntry();
    }
    var digest = new Digest("sha256", HexFormat.of().formatHex(blob.digest()));
    return new Layer(
        file,
        Descriptor.of(MediaTypes.OCI_LAYER_GZIP, digest, Files.size(file)),
        "sha256:" + HexFormat.of().formatHex(tar.digest()),
        target);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Noise does not compress; this does not try. */
  private static final class Stored extends GZIPOutputStream {
    Stored(OutputStream out) throws IOException {
      super(out, 1 << 16);
      def.setLevel(java.util.zip.Deflater.NO_COMPRESSION);
    }
  }

  @Override
  public void close() throws IOException {
    client.close();
    for (Layer layer : layers.values()) {
      Files.delete(layer.file());
    }
  }
}
