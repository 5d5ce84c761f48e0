package build.kiln.api.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Default;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds the committed CRDs, the chart's copies and the API reference to the records. */
class CrdManifestsTest {
  private static final Path MODULE = Path.of("").toAbsolutePath();

  @TempDir Path folder;
  private final Map<Kind, ObjectNode> crds = new LinkedHashMap<>();

  @BeforeEach
  void generate() {
    Kind.ALL.forEach(kind -> crds.put(kind, CrdManifests.generate(kind, folder)));
  }

  private ObjectNode crd(Kind kind) {
    return Objects.requireNonNull(crds.get(kind));
  }

  private JsonNode schema(Kind kind) {
    return crd(kind).at("/spec/versions/0/schema/openAPIV3Schema");
  }

  static List<Kind> kinds() {
    return Kind.ALL;
  }

  @Test
  void committedFilesAreWhatTheRecordsSay() throws IOException {
    Path chart = MODULE.resolve("../charts/kiln/templates/crds");
    Path schemas = MODULE.resolve("src/main/resources/META-INF/kiln");
    for (Kind kind : Kind.ALL) {
      holds(
          schemas.resolve(kind.file().replace(".yaml", ".schema.json")),
          CrdManifests.schema(crd(kind)));
      holds(MODULE.resolve(kind.file()), CrdManifests.manifest(crd(kind)));
      holds(chart.resolve(kind.file()), CrdManifests.chartTemplate(crd(kind)));
    }
    holds(MODULE.resolve("../docs/api.md"), ApiReference.of(crds));
  }

  private static void holds(Path file, String wanted) throws IOException {
    if (Boolean.getBoolean("crds.update")) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, wanted);
    }
    assertThat(file)
        .as("run ./mvnw -pl crds test -Dtest=CrdManifestsTest -Dcrds.update=true")
        .hasContent(wanted);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyFieldHasADescriptionAndABound(Kind kind) {
    List<String> gaps = new ArrayList<>();
    gaps(schema(kind), "", gaps);
    assertThat(gaps).isEmpty();
  }

  private static void gaps(JsonNode schema, String path, List<String> gaps) {
    boolean item = path.endsWith("[]") || path.endsWith("{}");
    if (!item && !schema.has("description")) {
      gaps.add(path + ": no description");
    }
    String type = schema.path("type").asText();
    if (type.equals("string") && !schema.has("maxLength") && !schema.has("enum")) {
      gaps.add(path + ": no maxLength");
    }
    if (type.equals("array") && !schema.has("maxItems")) {
      gaps.add(path + ": no maxItems");
    }
    if (type.equals("object")
        && schema.has("additionalProperties")
        && !schema.has("maxProperties")) {
      gaps.add(path + ": no maxProperties");
    }
    schema
        .path("properties")
        .properties()
        .forEach(p -> gaps(p.getValue(), path + "." + p.getKey(), gaps));
    if (schema.has("items")) {
      gaps(schema.get("items"), path + "[]", gaps);
    }
    if (schema.path("additionalProperties").isObject()) {
      gaps(schema.get("additionalProperties"), path + "{}", gaps);
    }
  }

  static Stream<Class<?>> recordsWithDefaults() {
    List<Class<?>> types = new ArrayList<>();
    types.add(ImageBuildSpec.class);
    types.add(ImageBuildSpec.ConfigMapSource.Item.class);
    types.add(ImageMirrorSpec.class);
    types.addAll(Arrays.asList(ImageBuildSpec.class.getDeclaredClasses()));
    types.addAll(Arrays.asList(ImageMirrorSpec.class.getDeclaredClasses()));
    types.add(ImagePrunePolicySpec.class);
    types.addAll(Arrays.asList(ImagePrunePolicySpec.class.getDeclaredClasses()));
    return types.stream()
        .filter(Class::isRecord)
        .filter(
            type ->
                Arrays.stream(type.getRecordComponents())
                    .anyMatch(c -> annotation(type, c) != null));
  }

  @ParameterizedTest
  @MethodSource("recordsWithDefaults")
  void defaultsOfTheSchemaAreThoseOfTheRecords(Class<?> type) throws Exception {
    Object empty = CrdManifests.YAML.readValue("{}", type);
    for (RecordComponent component : type.getRecordComponents()) {
      Default wanted = annotation(type, component);
      if (wanted != null) {
        component.getAccessor().setAccessible(true);
        JsonNode actual = CrdManifests.YAML.valueToTree(component.getAccessor().invoke(empty));
        Object parsed = CrdManifests.YAML.readValue(wanted.value(), component.getType());
        assertThat(actual).as(component.getName()).isEqualTo(CrdManifests.YAML.valueToTree(parsed));
      }
    }
  }

  private static @Nullable Default annotation(Class<?> type, RecordComponent component) {
    try {
      return type.getDeclaredField(component.getName()).getAnnotation(Default.class);
    } catch (NoSuchFieldException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void columnsCategoryAndListKeysAreThere() {
    ObjectNode build = crd(Kind.IMAGE_BUILD);
    assertThat(build.at("/spec/versions/0/additionalPrinterColumns"))
        .extracting(c -> c.get("name").asText())
        .containsExactly("READY", "REASON", "STEP", "IMAGE", "AGE");
    assertThat(build.at("/spec/names/categories/0").asText()).isEqualTo("kiln");
    assertThat(build.at("/spec/names/shortNames/0").asText()).isEqualTo("kbuild");
    JsonNode spec = schema(Kind.IMAGE_BUILD).at("/properties/spec/properties");
    assertThat(spec.at("/buildArgs/x-kubernetes-list-map-keys/0").asText()).isEqualTo("name");
    assertThat(spec.at("/output/properties/tags/x-kubernetes-list-type").asText()).isEqualTo("set");
    assertThat(spec.at("/history/default/ttl").asText()).isEqualTo("24h");
    ObjectNode mirror = crd(Kind.IMAGE_MIRROR);
    assertThat(mirror.at("/spec/names/shortNames/0").asText()).isEqualTo("kmirror");
    assertThat(mirror.at("/spec/versions/0/additionalPrinterColumns"))
        .extracting(c -> c.get("name").asText())
        .containsExactly("READY", "REASON", "OBSERVED", "COPIED", "FAILED", "LAST", "AGE");
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsSaidOfAKindIsOfItsSchema(Kind kind) {
    assertThat(Stream.concat(kind.listMapKeys().keySet().stream(), kind.listSets().stream()))
        .allSatisfy(
            path ->
                assertThat(
                        schema(kind)
                            .at(
                                "/properties/"
                                    + path.replace("[].", "/items/properties/")
                                        .replace(".", "/properties/"))
                            .path("type")
                            .asText())
                    .as(path)
                    .isEqualTo("array"));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void aRuleIsThereOnce(Kind kind) {
    // fabric8 sees a record's component twice, as a field and as a method; server-side apply
    // refuses
    // a rule that is there twice
    crd(kind)
        .findValues("x-kubernetes-validations")
        .forEach(rules -> assertThat(rules).doesNotHaveDuplicates());
  }

  @Test
  void theChartsCopyEscapesTemplates() throws IOException {
    assertThat(CrdManifests.chartTemplate(crd(Kind.IMAGE_BUILD)))
        .contains("{{ \"{{\" }}git.sha}}")
        .contains("helm.sh/resource-policy: keep");
  }
}
