package build.kiln.runtime.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String DIGEST = "sha256:" + "a".repeat(64);
  private static final Descriptor LAYER =
      Descriptor.of(MediaTypes.OCI_LAYER_GZIP, Digest.parse(DIGEST), 5);

  private static byte[] bytes(String json) {
    return json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aTreeIsWhatAMapperMakesOfIt() throws IOException {
    var random = new Random(7);
    for (int i = 0; i < 500; i++) {
      var text = new StringBuilder();
      value(random, text, 0);
      byte[] json = text.toString().getBytes(StandardCharsets.UTF_8);
      assertThat(Json.tree(json)).isEqualTo(MAPPER.readTree(json));
      assertThat(Json.tree(text.toString())).isEqualTo(MAPPER.readTree(json));
      assertThat(Json.write(Json.tree(json)))
          .isEqualTo(MAPPER.writeValueAsBytes(MAPPER.readTree(json)));
    }
  }

  private static void value(Random random, StringBuilder out, int depth) {
    switch (random.nextInt(depth > 4 ? 7 : 9)) {
      case 0 -> out.append("null");
      case 1 -> out.append(random.nextBoolean());
      case 2 -> out.append(random.nextInt());
      case 3 -> out.append(random.nextLong());
      case 4 -> out.append(random.nextLong()).append("1234567890");
      case 5 -> out.append(random.nextDouble());
      case 6 -> out.append("\"\\u00e4\\n\\\\ü€😀").append(random.nextInt(9)).append('"');
      case 7 -> {
        out.append('[');
        for (int i = random.nextInt(4); i > 0; i--) {
          value(random, out, depth + 1);
          out.append(i > 1 ? " , " : "");
        }
        out.append(']');
      }
      default -> {
        out.append('{');
        for (int i = random.nextInt(4); i > 0; i--) {
          // A name may come twice.
          out.append("\"n").append(random.nextInt(3)).append("\":");
          value(random, out, depth + 1);
          out.append(i > 1 ? ", " : "");
        }
        out.append('}');
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[1,", "{'a'", "{'a':}", "[}", "tru", "'", "{'a':1]", "01", "[1 2]"})
  void whatIsNoJsonIsSaidToBeNone(String text) {
    assertThatThrownBy(() -> Json.read(bytes(text), Manifest.JSON, "the manifest of x"))
        .isInstanceOf(OciException.class)
        .hasMessageStartingWith("the manifest of x is not valid: ");
  }

  @Test
  void nothingIsNoDocument() {
    assertThatThrownBy(() -> Json.read(new byte[0], Manifest.JSON, "it"))
        .hasMessage("it is not valid: it is empty");
  }

  @Test
  void nestingHasAnEnd() {
    assertThatThrownBy(() -> Json.tree(bytes("[".repeat(100_000)))).isInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | want an object, not array",
        "{'schemaVersion':1,'config':{'digest':'D'},'layers':[]} | manifest: schemaVersion 1 is not supported (want 2)",
        "{'schemaVersion':'2'} | schemaVersion: want a whole number, not string",
        "{'schemaVersion':2.5} | schemaVersion: want a whole number, not number",
        "{'schemaVersion':99999999999} | schemaVersion: want a whole number, not number",
        "{'schemaVersion':2} | config: is missing",
        "{'schemaVersion':2,'config':null} | config: is missing",
        "{'schemaVersion':2,'config':{}} | config.digest: is missing",
        "{'schemaVersion':2,'config':{'digest':'sha256:12'}} | config.digest: not a digest: \"sha256:12\" (want sha256: or sha512: and lower-case hex)",
        "{'schemaVersion':2,'config':{'digest':'D'}} | layers: is missing",
        "{'schemaVersion':2,'config':{'digest':'D'},'layers':{}} | layers: want an array, not object",
        "{'schemaVersion':2,'config':{'digest':'D'},'layers':[{'digest':'D'},null]} | layers[1]: want an object, not null",
        "{'schemaVersion':2,'config':{'digest':'D'},'layers':[{'digest':'D','size':'x'}]} | layers[0].size: want a whole number, not string",
        "{'schemaVersion':2,'config':{'digest':'D','annotations':{'a':{}}},'layers':[]} | config.annotations.a: want a string, not object",
        "{'schemaVersion':2,'config':{'digest':'D','platform':{'os':[]}},'layers':[]} | config.platform.os: want a string, not array",
      })
  void whatIsWrongIsSaidWithItsPlace(String json, String problem) {
    assertThatThrownBy(
            () -> Json.read(bytes(json.replace("'D'", "'" + DIGEST + "'")), Manifest.JSON, "m"))
        .isInstanceOf(OciException.class)
        .hasMessage("m is not valid: " + problem);
  }

  @Test
  void whatIsNotKnownIsPassedOver() {
    var read =
        Json.read(
            bytes(
                "{'schemaVersion':2,'x':[1,{'y':2}],'config':{'digest':'%s','z':0},'layers':null}"
                    .formatted(DIGEST)
                    .replace(",'layers':null", ",'layers':[]")),
            Manifest.JSON,
            "m");
    assertThat(read.layers()).isEmpty();
    assertThat(read.config().mediaType()).isEmpty();
    assertThat(read.config().size()).isZero();
  }

  @Test
  void aManifestIsWrittenCompactlyAndInOrder() {
    var manifest = new Manifest(2, MediaTypes.OCI_MANIFEST, "", LAYER, List.of(), null, Map.of());
    assertThat(new String(Json.write(manifest, Manifest.JSON), StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":5},\"layers\":[]}"
                .formatted(MediaTypes.OCI_MANIFEST, MediaTypes.OCI_LAYER_GZIP, DIGEST));
  }

  @Test
  void theMapperWritesAndReadsTheSame() throws IOException {
    var platform = new Platform("arm64", "linux", null, List.of("x"), "v8");
    Descriptor all =
        new Descriptor(
            "t", LAYER.digest(), 7, List.of("u"), Map.of("a", "b"), "ZGF0YQ==", platform, "art");
    byte[] json = Json.write(all, Descriptor.JSON);
    assertThat(Json.write(Map.of("all", List.of(all))))
        .isEqualTo(
            ("{\"all\":[" + new String(json, StandardCharsets.UTF_8) + "]}")
                .getBytes(StandardCharsets.UTF_8));
    assertThat(Json.mapper().readValue(json, Descriptor.class)).isEqualTo(all);
    assertThat(Json.read(json, Descriptor.JSON, "it")).isEqualTo(all);
  }

  @Test
  void aConfigurationGoesThroughUnchanged() {
    String json =
        ("{'created':'2020-01-01T00:00:00Z','author':'a','architecture':'amd64','variant':'v1','os':'linux','os.version':'1',"
                + "'os.features':['f'],'config':{'User':'u','ExposedPorts':{'80/tcp':{}},'Env':['A=b'],'Entrypoint':['/e'],'Cmd':[],"
                + "'Healthcheck':{'Test':['NONE'],'Interval':1,'Timeout':2,'StartPeriod':3,'StartInterval':4,'Retries':5},'ArgsEscaped':true,"
                + "'Volumes':{'/v':{}},'WorkingDir':'/','Labels':{'a':''},'OnBuild':['RUN x'],'StopSignal':'9','Shell':['/bin/sh']},"
                + "'rootfs':{'type':'layers','diff_ids':['D']},'history':[{'created':'x','created_by':'y','author':'a','comment':'c','empty_layer':false}]}")
            .replace('\'', '"')
            .replace("\"D\"", "\"" + DIGEST + "\"");
    var read = Json.read(json.getBytes(StandardCharsets.UTF_8), ImageConfig.JSON, "it");
    assertThat(new String(Json.write(read, ImageConfig.JSON), StandardCharsets.UTF_8))
        .isEqualTo(json);
  }

  @Test
  void aNumberWhereATextBelongsIsItsText() {
    var read =
        Json.read(
            bytes("{'config':{'User':1000,'Labels':{'build':17,'signed':true}}}"),
            ImageConfig.JSON,
            "it");
    var config = Objects.requireNonNull(read.config());
    assertThat(config.user()).isEqualTo("1000");
    assertThat(config.labels()).containsEntry("build", "17").containsEntry("signed", "true");
  }

  @Test
  void whatIsNestedTooDeepIsNotWritten() {
    ArrayNode json = MAPPER.createArrayNode();
    for (int i = 0; i < 1010; i++) {
      json = MAPPER.createArrayNode().add(json);
    }
    ArrayNode deep = json;
    assertThatThrownBy(() -> Json.write(deep)).isInstanceOf(OciException.class);
  }

  /** As Go's reader has it, which most images were written for. */
  @Test
  void nullsOfAConfigurationAreEmptyOrMissing() {
    var read =
        Json.read(
            bytes(
                "{'architecture':null,'rootfs':null,'config':{'Cmd':null,'Env':['A=1',null],'Labels':{'x':null},'Volumes':{'/v':null}}}"),
            ImageConfig.JSON,
            "it");
    assertThat(read.architecture()).isEmpty();
    assertThat(read.rootfs().diffIds()).isEmpty();
    var config = Objects.requireNonNull(read.config());
    assertThat(config.cmd()).isNull();
    assertThat(config.env()).containsExactly("A=1", "");
    assertThat(config.labels()).containsEntry("x", "");
    assertThat(config.volumes()).containsEntry("/v", Map.of());
  }
}
