package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credential;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Two registries, a client whose waits take no time, and small content of any kind. */
final class Registries implements AutoCloseable {
  final EmbeddedRegistry source;
  final EmbeddedRegistry destination;
  final RegistryClient client;

  Registries() throws IOException {
    this(EmbeddedRegistry.Options.defaults(), EmbeddedRegistry.Options.defaults());
  }

  Registries(EmbeddedRegistry.Options from, EmbeddedRegistry.Options to) throws IOException {
    this(from, to, Optional.empty(), Optional.empty());
  }

  /** With a login for each that has one. */
  Registries(
      EmbeddedRegistry.Options from,
      EmbeddedRegistry.Options to,
      Optional<Credential> atSource,
      Optional<Credential> atDestination)
      throws IOException {
    source = EmbeddedRegistry.start(from);
    destination = EmbeddedRegistry.start(to);
    String sourceHost = source.host();
    Credentials credentials =
        repository -> repository.registry().equals(sourceHost) ? atSource : atDestination;
    client =
        new RegistryClient(
            RegistryConfig.defaults(),
            credentials,
            Clock.systemUTC(),
            duration -> {},
            new Random(1));
  }

  ImageCopier copier(CopyOptions options) {
    return new ImageCopier(client, client, options, CopyListener.NONE);
  }

  Reference from(String repositoryWithTag) {
    return source.reference(repositoryWithTag);
  }

  Reference to(String repositoryWithTag) {
    return destination.reference(repositoryWithTag);
  }

  void clearRequests() {
    source.requests().clear();
    destination.requests().clear();
  }

  static byte[] bytes(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  Descriptor blob(Reference repository, String mediaType, byte[] bytes) throws IOException {
    Descriptor blob = Descriptor.ofBytes(mediaType, bytes);
    client.pushBlob(repository, blob, BlobSource.of(bytes), List.of());
    return blob;
  }

  /**
   * Pushes an image whose layers are the bytes of these seeds, 20,000 each.
   *
   * @param target without a tag for one that is known by its digest
   */
  Descriptor image(Reference target, int... seeds) throws IOException {
    List<Descriptor> layers = new ArrayList<>();
    for (int seed : seeds) {
      layers.add(blob(target, MediaTypes.OCI_LAYER, bytes(20_000, seed)));
    }
    byte[] config =
        ("{\"of\":\"" + List.copyOf(layers).hashCode() + "\"}").getBytes(StandardCharsets.UTF_8);
    Descriptor stored = blob(target, MediaTypes.OCI_CONFIG, config);
    byte[] manifest = Json.write(Manifest.oci(stored, layers, null));
    Reference named = target.tag() == null ? target.withDigest(Digest.ofBytes(manifest)) : target;
    return client.pushManifest(named, manifest, MediaTypes.OCI_MANIFEST);
  }

  /** An image for a platform, known by its digest only. */
  Descriptor platformImage(Reference repository, String platform) throws IOException {
    return image(untagged(repository), platform.hashCode()).withPlatform(Platform.parse(platform));
  }

  private static Reference untagged(Reference repository) {
    return new Reference(repository.registry(), repository.repository(), null, null);
  }

  /** Pushes an index of an image for each platform. */
  Descriptor index(Reference target, String... platforms) throws IOException {
    List<Descriptor> images = new ArrayList<>();
    for (String platform : platforms) {
      images.add(platformImage(target, platform));
    }
    return index(target, images);
  }

  Descriptor index(Reference target, List<Descriptor> manifests) throws IOException {
    Index index = new Index(2, MediaTypes.OCI_INDEX, null, manifests, null, null);
    return client.pushManifest(target, Json.write(index), MediaTypes.OCI_INDEX);
  }

  /** Pushes an artifact that points at a subject, by digest. */
  Descriptor referrer(Reference repository, Descriptor subject, String type, @Nullable String text)
      throws IOException {
    Descriptor empty =
        blob(repository, MediaTypes.OCI_EMPTY, "{}".getBytes(StandardCharsets.UTF_8));
    Descriptor content =
        blob(repository, "text/plain", String.valueOf(text).getBytes(StandardCharsets.UTF_8));
    Manifest manifest =
        new Manifest(
            2,
            MediaTypes.OCI_MANIFEST,
            type,
            empty,
            List.of(content),
            subject,
            Map.of("note", String.valueOf(text)));
    byte[] bytes = Json.write(manifest);
    Reference target = repository.withDigest(Digest.ofBytes(bytes));
    return client.pushReferrer(target, bytes, MediaTypes.OCI_MANIFEST);
  }

  @Override
  public void close() throws IOException {
    client.close();
    source.close();
    destination.close();
  }
}
