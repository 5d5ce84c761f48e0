package build.kiln.runtime.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ImageValidatorTest {
  private static final Platform AMD64 = Platform.parse("linux/amd64");
  private static final Platform ARM64 = Platform.parse("linux/arm64");

  @TempDir Path folder;
  private LocalStore store;
  private RandomImages images;

  @BeforeEach
  void open() throws IOException {
    store = LocalStore.open(folder);
    images = new RandomImages(store, 1);
  }

  @AfterEach
  void close() throws IOException {
    store.close();
  }

  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void randomImagesAreValid(Compression.Type type) throws IOException {
    ImageValidator.assertValid(store, images.image(AMD64, 3, new Compression(type, 0)));
    ImageValidator.assertValid(store, images.image(0));
  }

  @Test
  void inARegistryToo() throws IOException {
    Descriptor index = images.index(AMD64, ARM64);
    ImageValidator.assertValid(store, index);
    try (var registry = EmbeddedRegistry.start();
        var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      var name = registry.reference("team/app:1");
      RandomImages.push(store, index, client, name);
      ImageValidator.assertValid(client, name);
    }
  }

  @Test
  void theSameSeedMakesTheSameImage() throws IOException {
    Descriptor one = new RandomImages(store, 7).image(2);
    assertThat(new RandomImages(store, 7).image(2)).isEqualTo(one);
    assertThat(new RandomImages(store, 8).image(2)).isNotEqualTo(one);
  }

  /** Stores the image again with one text of one of its documents replaced. */
  private Descriptor edited(boolean config, String from, String to) throws IOException {
    Descriptor image = images.image(AMD64, 2, Compression.GZIP);
    String manifest = text(store.read(image));
    Descriptor oldConfig = Json.read(store.read(image), Manifest.JSON, "manifest").config();
    if (!config) {
      return store.put(image.mediaType(), bytes(replaced(manifest, from, to))).withPlatform(AMD64);
    }
    Descriptor newConfig =
        store.put(oldConfig.mediaType(), bytes(replaced(text(store.read(oldConfig)), from, to)));
    String moved =
        manifest
            .replace(oldConfig.digest().toString(), newConfig.digest().toString())
            .replace("\"size\":" + oldConfig.size(), "\"size\":" + newConfig.size());
    return store.put(image.mediaType(), bytes(moved)).withPlatform(AMD64);
  }

  private static String replaced(String text, String from, String to) {
    String result = text.replaceFirst(from, to);
    assertThat(result).as("%s in %s", from, text).isNotEqualTo(text);
    return result;
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "true | amd64 | arm64 | is for linux/arm64",
        "true | amd64 | '' | names no platform",
        "true | layers | layer | has rootfs.type layer",
        "true | \"diff_ids\":\\[\"sha256:[0-9a-f]*\", | \"diff_ids\":[ | 1 diff ids for 2 layers",
        "true | \"diff_ids\":\\[\"sha256:.... | \"diff_ids\":[\"sha256:0000 | its diff id is",
        "true | \"created_by\":\"COPY layer0\" | \"created_by\":\"COPY layer0\",\"empty_layer\":true | has 1 history entries",
        "false | image.manifest.v1 | image.index.v1 | calls itself",
        "false | image.config.v1 | image.config.v2 | has a configuration of type",
        "false | tar\\+gzip | tar+zstd | is compressed by GZIP",
        "false | image.layer.v1.tar\\+gzip | x.tar+gzip | has a layer of type",
        "false | \"size\":(\\d+)\\} | \"size\":9$1} | bytes, its descriptor says 9",
        "false | \"schemaVersion\":2 | \"schemaVersion\":1 | schemaVersion 1 is not supported"
      })
  void documentsThatAreWrong(boolean config, String from, String to, String problem)
      throws IOException {
    assertThat(ImageValidator.problems(store, edited(config, from, to)))
        .anySatisfy(found -> assertThat(found).contains(problem));
  }

  @Test
  void bytesThatAreNotTheDigests() throws IOException {
    Descriptor image = images.image(1);
    Manifest manifest = Json.read(store.read(image), Manifest.JSON, "manifest");
    Path blob = store.blobPath(manifest.layers().getFirst().digest());
    byte[] damaged = Files.readAllBytes(blob);
    damaged[4] ^= 1; // gzip's time, which changes nothing that is inflated
    Files.write(blob, damaged);
    assertThat(ImageValidator.problems(store, image))
        .singleElement()
        .asString()
        .contains(manifest.layers().getFirst().digest() + " has the digest");
    Files.delete(blob);
    assertThat(ImageValidator.problems(store, image))
        .singleElement()
        .asString()
        .contains("has no blob");
    assertThat(ImageValidator.problems(store, Descriptor.ofBytes("text/plain", new byte[0])))
        .singleElement()
        .asString()
        .contains("which is no image");
  }

  private Descriptor imageOf(LayerSource source) throws IOException {
    Layer layer = store.layers().write(source, Compression.GZIP);
    var step = new ImageConfig.History(null, "COPY", null, null, null);
    return images.image(AMD64, List.of(layer), List.of(step));
  }

  @Test
  void tarsThatAreWrong() throws IOException {
    var twice =
        imageOf(
            sink -> {
              sink.add(EntryMeta.file("a", 0644, 0, 0, 0, 0));
              sink.add(EntryMeta.directory("a", 0755, 0, 0, 0));
            });
    assertThat(ImageValidator.problems(store, twice))
        .singleElement()
        .asString()
        .contains("has the entry \"a\" twice");
    var dangling =
        imageOf(sink -> sink.add(EntryMeta.file("a", 0644, 0, 0, 0, 0).asHardLinkTo("nothing")));
    assertThat(ImageValidator.problems(store, dangling))
        .singleElement()
        .asString()
        .contains("which is not before it");
    Descriptor garbage = store.put(MediaTypes.OCI_LAYER, bytes("no tar".repeat(200)));
    var step = new ImageConfig.History(null, "COPY", null, null, null);
    var image = images.image(AMD64, List.of(new Layer(garbage, garbage.digest())), List.of(step));
    assertThat(ImageValidator.problems(store, image))
        .singleElement()
        .asString()
        .contains("cannot be read");
  }

  @Test
  void anIndexWhosePlatformsAreWrong() throws IOException {
    Descriptor arm = images.image(AMD64, 1, Compression.GZIP).withPlatform(ARM64);
    Descriptor missing = Descriptor.of(MediaTypes.OCI_MANIFEST, Digest.ofBytes(new byte[] {1}), 1);
    var index = new Index(2, MediaTypes.OCI_INDEX, null, List.of(arm, missing), null, null);
    Descriptor stored = store.put(MediaTypes.OCI_INDEX, Json.write(index));
    assertThat(ImageValidator.problems(store, stored))
        .hasSize(2)
        .anySatisfy(found -> assertThat(found).contains("its index says linux/arm64"))
        .anySatisfy(found -> assertThat(found).contains("has no blob"));
  }
}
