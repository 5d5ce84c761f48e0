package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.PrunePolicy.Limits;
import build.kiln.runtime.prune.PrunePolicy.Protection;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.PrunePolicy.TagRule;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** All that a run needs beside a registry, and small images to push there. */
final class Desk implements AutoCloseable {
  final MutableClock clock = new MutableClock();
  final String host;
  final RegistryClient client;
  final LedgerBook book;
  final ManifestCache cache;
  final Path folder;

  Desk(String host, Path folder) throws IOException {
    this.host = host;
    this.folder = folder;
    this.client =
        new RegistryClient(
            RegistryConfig.defaults(),
            Credentials.anonymous(),
            Clock.systemUTC(),
            duration -> {},
            new Random(1));
    this.book = new LedgerBook(new DirectoryShardStore(folder.resolve("ledger")));
    this.cache = new DirectoryManifestCache(folder.resolve("manifests"));
  }

  /** Keeps the newest of {@code pr-*}, and nothing untagged after a week. */
  PrunePolicy policy(int keepLast) {
    return policy(keepLast, new Limits(0, 100));
  }

  PrunePolicy policy(int keepLast, Limits limits) {
    return new PrunePolicy(
        "test",
        List.of(
            new RegistryRules(
                "registries[0]",
                List.of(Globs.compile(host + "/**")),
                List.of(),
                List.of(
                    new TagRule(
                        "registries[0].rules[0]",
                        List.of(Globs.compile("pr-*")),
                        null,
                        List.of(),
                        keepLast,
                        Optional.empty(),
                        Optional.empty())),
                Optional.of(Duration.ofDays(7)),
                List.of())),
        new Protection(true, List.of(), Map.of()),
        limits,
        Duration.ofHours(24));
  }

  Plan plan(PrunePolicy policy, InUse inUse, String... repositories) throws IOException {
    List<String> names = Arrays.stream(repositories).map(r -> host + "/" + r).toList();
    return new Scanner(client, book, cache, clock).plan(policy, inUse, names);
  }

  Executor executor() {
    return executor(InUse.NOTHING);
  }

  Executor executor(InUse now) {
    return new Executor(client, book, () -> now, clock, outcome -> {});
  }

  Reference ref(String text) {
    return Reference.parse(host + "/" + text);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  Descriptor blob(Reference repository, String mediaType, String text) throws IOException {
    Descriptor blob = Descriptor.ofBytes(mediaType, bytes(text));
    client.pushBlob(repository, blob, BlobSource.of(bytes(text)), List.of());
    return blob;
  }

  /** An image with a layer of its own, or shared by those of one name. */
  Descriptor image(String ref, String layer) throws IOException {
    Reference target = ref(ref);
    byte[] manifest =
        Json.write(
            Manifest.oci(
                blob(target, MediaTypes.OCI_CONFIG, "{\"layer\":\"" + layer + "\"}"),
                List.of(blob(target, MediaTypes.OCI_LAYER, layer)),
                null));
    return client.pushManifest(
        target.tag() == null ? target.withDigest(Digest.ofBytes(manifest)) : target,
        manifest,
        MediaTypes.OCI_MANIFEST);
  }

  Descriptor index(String ref, Descriptor... children) throws IOException {
    byte[] index =
        Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(children), null, null));
    return client.pushManifest(ref(ref), index, MediaTypes.OCI_INDEX);
  }

  /** A referrer of what is there, in the registry's list or under the fallback tag. */
  Descriptor referrer(String repository, Descriptor subject, String text) throws IOException {
    Reference target = ref(repository);
    byte[] manifest =
        Json.write(
            new Manifest(
                2,
                MediaTypes.OCI_MANIFEST,
                "application/vnd.example.signature",
                blob(target, MediaTypes.OCI_EMPTY, "{}"),
                List.of(blob(target, MediaTypes.OCI_LAYER, text)),
                subject,
                null));
    return client.pushReferrer(
        target.withDigest(Digest.ofBytes(manifest)), manifest, MediaTypes.OCI_MANIFEST);
  }

  boolean has(String repository, Descriptor manifest) throws IOException {
    return client.head(ref(repository).withDigest(manifest.digest())).isPresent();
  }

  @Override
  public void close() throws IOException {
    client.close();
  }
}
