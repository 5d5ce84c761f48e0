package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** A registry, a client of it whose waits take no time, and small content to move. */
final class Bench implements AutoCloseable {
  final MutableClock clock = new MutableClock();
  final List<Duration> waits = Collections.synchronizedList(new ArrayList<>());
  final EmbeddedRegistry registry;

  Bench() throws IOException {
    this(EmbeddedRegistry.Options.defaults());
  }

  Bench(EmbeddedRegistry.Options options) throws IOException {
    registry = EmbeddedRegistry.start(options);
  }

  RegistryClient client() {
    return client(RegistryConfig.defaults(), Credentials.anonymous());
  }

  RegistryClient client(Credentials credentials) {
    return client(RegistryConfig.defaults(), credentials);
  }

  RegistryClient client(RegistryConfig config, Credentials credentials) {
    return new RegistryClient(config, credentials, clock, this::wait, new Random(1));
  }

  /** As a real wait: time passes. */
  private void wait(Duration duration) {
    waits.add(duration);
    clock.advance(duration);
  }

  Reference ref(String repositoryWithTag) {
    return registry.reference(repositoryWithTag);
  }

  static byte[] bytes(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static Descriptor blob(byte[] bytes) {
    return Descriptor.ofBytes(MediaTypes.OCI_LAYER, bytes);
  }

  static Descriptor push(RegistryClient client, Reference repository, byte[] bytes)
      throws IOException {
    Descriptor blob = blob(bytes);
    client.pushBlob(repository, blob, BlobSource.of(bytes), List.of());
    return blob;
  }

  /** A manifest whose config is the only blob. */
  static byte[] manifest(Descriptor config) {
    return Json.write(Manifest.oci(config.withMediaType(MediaTypes.OCI_CONFIG), List.of(), null));
  }

  /** Pushes an image of one config under a reference's tag. */
  static Descriptor pushImage(RegistryClient client, Reference ref, String config)
      throws IOException {
    Descriptor blob = push(client, ref, config.getBytes(StandardCharsets.UTF_8));
    return client.pushManifest(ref, manifest(blob), MediaTypes.OCI_MANIFEST);
  }

  static Digest unknownDigest() {
    return Digest.ofBytes(new byte[] {9, 9, 9});
  }

  @Override
  public void close() {
    registry.close();
  }
}
