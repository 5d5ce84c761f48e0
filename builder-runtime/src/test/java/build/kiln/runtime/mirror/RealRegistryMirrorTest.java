package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RealRegistry;
import build.kiln.runtime.registry.RealRegistry.Program;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mirrors between registries that others wrote. */
class RealRegistryMirrorTest {
  @TempDir Path folder;
  private final RegistryClient client =
      new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous());
  private final List<RealRegistry> started = new ArrayList<>();
  private int configs;

  @BeforeEach
  void start() {
    configs = 0;
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    started.forEach(RealRegistry::close);
  }

  private RealRegistry registry(Program program, String name) throws IOException {
    RealRegistry registry = RealRegistry.start(program, folder.resolve(name), "", "");
    started.add(registry);
    return registry;
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void aSetIsCopiedAndKeptCurrent(Program program) throws IOException {
    RealRegistry from = registry(program, "from");
    RealRegistry to = registry(program, "to");
    Descriptor first = image(from.ref("a:1"), 1, 2);
    image(from.ref("a:2"), 1, 3);
    Descriptor arm = image(from.ref("a"), 4);
    index(from.ref("a:all"), first.withPlatform(Platform.parse("linux/amd64")), arm);
    image(from.ref("b:1"), 1, 5);
    String spec =
        """
        source: {registry: "%s", repositories: ["*"]}
        destination: {prefix: "%s/copy"}
        tags: {all: true}
        referrers: true
        deletions: Sync
        maxDeletionPercent: 100
        """
            .formatted(from.host(), to.host());

    MirrorResult cold = run(spec);
    MirrorResult again = run(spec);
    image(from.ref("a:2"), 6);
    client.deleteManifest(
        from.ref("b").withDigest(client.head(from.ref("b:1")).orElseThrow().digest()));
    MirrorResult changed = run(spec);

    assertThat(cold.images())
        .hasSize(4)
        .allSatisfy(
            image -> assertThat(image.result()).as("%s", image.message()).isEqualTo(Result.Copied));
    assertThat(cold.mountedBytes()).as("the layer of both repositories").isEqualTo(200_000);
    assertThat(results(again)).containsOnly(Result.UpToDate).hasSize(4);
    for (String tag : List.of("a:1", "a:2", "a:all")) {
      same(from.ref(tag), to.ref("copy/" + tag));
    }
    assertThat(changed.images())
        .filteredOn(image -> image.result() != Result.UpToDate)
        .extracting(Image::destination, Image::result)
        .containsExactlyInAnyOrder(
            tuple(to.host() + "/copy/a:2", Result.Copied),
            tuple(to.host() + "/copy/b:1", Result.Deleted));
    assertThat(client.head(to.ref("copy/b:1"))).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void withinOneRegistryNoLayerMoves(Program program) throws IOException {
    RealRegistry registry = registry(program, "one");
    image(registry.ref("a:1"), 1, 2);
    image(registry.ref("a:2"), 1, 3);

    MirrorResult result =
        run(
            """
            source: {repository: "%1$s/a"}
            destination: {repository: "%1$s/b"}
            tags: {all: true}
            """
                .formatted(registry.host()));

    assertThat(results(result)).containsOnly(Result.Copied).hasSize(2);
    assertThat(result.copiedBytes()).isZero();
    assertThat(result.mountedBytes()).isGreaterThan(600_000);
    same(registry.ref("a:1"), registry.ref("b:1"));
    same(registry.ref("a:2"), registry.ref("b:2"));
  }

  private static List<Result> results(MirrorResult result) {
    return result.images().stream().map(Image::result).toList();
  }

  private MirrorResult run(String spec) throws IOException {
    return new MirrorRun(
            new YAMLMapper().readValue(spec, ImageMirrorSpec.class),
            "test",
            client,
            client,
            Optional.empty(),
            Bandwidth.UNLIMITED,
            repository -> true,
            new MirrorListener() {})
        .run();
  }

  /** The same bytes, down to the last blob. */
  private void same(Reference from, Reference to) throws IOException {
    FetchedManifest wanted = client.fetchManifest(from);
    FetchedManifest found = client.fetchManifest(to);
    assertThat(found.bytes()).isEqualTo(wanted.bytes());
    ManifestLinks links = ManifestLinks.of(to, found);
    for (Descriptor child : links.manifests()) {
      same(from.withDigest(child.digest()), to.withDigest(child.digest()));
    }
    for (Descriptor blob : links.blobs()) {
      try (InputStream in = client.openBlob(to, blob)) {
        assertThat(in.readAllBytes()).hasSize((int) blob.size());
      }
    }
  }

  /** Pushes an image with layers of 200,000 bytes, by its digest if it has no tag. */
  private Descriptor image(Reference target, int... seeds) throws IOException {
    List<Descriptor> layers = new ArrayList<>();
    for (int seed : seeds) {
      layers.add(blob(target, MediaTypes.OCI_LAYER, Registries.bytes(200_000, seed)));
    }
    byte[] config = ("{\"number\":" + configs++ + "}").getBytes(StandardCharsets.UTF_8);
    byte[] manifest =
        Json.write(Manifest.oci(blob(target, MediaTypes.OCI_CONFIG, config), layers, null));
    Descriptor image = Descriptor.ofBytes(MediaTypes.OCI_MANIFEST, manifest);
    return client.pushManifest(
        target.tag() == null ? target.withDigest(image.digest()) : target,
        manifest,
        MediaTypes.OCI_MANIFEST);
  }

  private Descriptor blob(Reference target, String type, byte[] bytes) throws IOException {
    Descriptor blob = Descriptor.ofBytes(type, bytes);
    client.pushBlob(target, blob, BlobSource.of(bytes), List.of());
    return blob;
  }

  private void index(Reference target, Descriptor... images) throws IOException {
    Index index = new Index(2, MediaTypes.OCI_INDEX, null, List.of(images), null, null);
    client.pushManifest(target, Json.write(index), MediaTypes.OCI_INDEX);
  }
}
