package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.client.CustomResource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The CRD as YAML: what fabric8 generates from the records, and what it has no annotation for: keys
 * of list-maps, the category, the order of the columns, bounds and descriptions of the types that
 * are Kubernetes' own.
 */
final class CrdManifests {
  static final ObjectMapper YAML =
      new YAMLMapper(
          YAMLFactory.builder()
              .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
              .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
              .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
              .disable(YAMLGenerator.Feature.SPLIT_LINES)
              .build());

  /** Lists whose items have a key, by path from the root of the schema. */
  private static final Map<String, String> LIST_MAP_KEYS =
      Map.ofEntries(
          Map.entry("spec.buildArgs", "name"),
          Map.entry("spec.contexts", "name"),
          Map.entry("spec.contexts[].inline", "path"),
          Map.entry("spec.contexts[].configMap.items", "path"),
          Map.entry("spec.registrySecrets", "name"),
          Map.entry("spec.secrets", "id"),
          Map.entry("spec.ssh", "id"),
          Map.entry("spec.source.inline", "path"),
          Map.entry("spec.source.configMap.items", "path"),
          Map.entry("status.runs", "number"),
          Map.entry("status.conditions", "type"));

  /** Values that Kubernetes' own types leave to code: without these a pod could not be made. */
  private static final Map<String, String> QUANTITIES =
      Map.of(
          "spec.podTemplate.resources.limits{}", "limits",
          "spec.podTemplate.resources.requests{}", "requests");

  private static final String QUANTITY =
      "isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('0'))";

  private static final List<String> LIST_SETS = List.of("spec.output.tags");

  /** A column of {@code kubectl get}. */
  private record Column(String name, String type, String path, String description) {}

  private static final List<Column> COLUMNS =
      List.of(
          new Column(
              "READY",
              "string",
              ".status.conditions[?(@.type==\"Ready\")].status",
              "Whether status.image is what the spec asks for."),
          new Column(
              "REASON",
              "string",
              ".status.conditions[?(@.type==\"Ready\")].reason",
              "Why it is ready or not."),
          new Column("STEP", "string", ".status.step", "The step that the newest run is at."),
          new Column("IMAGE", "string", ".status.image", "The newest good image."),
          new Column("AGE", "date", ".metadata.creationTimestamp", "How old the resource is."));

  /** Schemas that come from Kubernetes' own types, and how their fields are described. */
  private static final Map<String, String> FOREIGN =
      Map.of(
          "spec.podTemplate.affinity", "As in a Pod's spec.affinity.",
          "spec.podTemplate.tolerations", "As in a Pod's spec.tolerations.",
          "spec.podTemplate.resources", "As in a container's resources.",
          "status.conditions", "As in the conditions of Kubernetes.");

  private CrdManifests() {}

  static ObjectNode generate(Class<? extends CustomResource<?, ?>> type, Path folder) {
    new CRDGenerator()
        .customResourceClasses(List.of(type))
        .withMinQuotes(true)
        .inOutputDir(folder.toFile())
        .detailedGenerate();
    try (var files = Files.list(folder)) {
      Path file = files.findFirst().orElseThrow();
      return complete((ObjectNode) YAML.readTree(Files.readString(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ObjectNode complete(ObjectNode crd) {
    ObjectNode spec = (ObjectNode) crd.get("spec");
    ((ObjectNode) spec.get("names")).putArray("categories").add("kiln");
    ObjectNode version = (ObjectNode) spec.get("versions").get(0);
    ArrayNode columns = version.putArray("additionalPrinterColumns");
    for (Column column : COLUMNS) {
      columns
          .addObject()
          .put("name", column.name())
          .put("type", column.type())
          .put("jsonPath", column.path())
          .put("description", column.description());
    }
    ObjectNode schema = (ObjectNode) version.get("schema").get("openAPIV3Schema");
    describe(schema, "An image that is built from a source and pushed to a registry.");
    describe(
        (ObjectNode) schema.get("properties").get("spec"),
        "What to build, how, and where the image goes.");
    describe(
        (ObjectNode) schema.get("properties").get("status"), "What Kiln did; written by Kiln.");
    schema.putArray("required").add("spec");
    complete(schema, "", null);
    return crd;
  }

  private static void describe(ObjectNode schema, String text) {
    if (!schema.has("description")) {
      schema.put("description", text);
    }
  }

  private static void complete(ObjectNode schema, String path, @Nullable String foreign) {
    @Nullable String inherited = FOREIGN.getOrDefault(path, foreign);
    if (inherited != null) {
      bound(schema, inherited);
      limit(schema, path);
    }
    if (schema.get("x-kubernetes-validations") instanceof ArrayNode rules) {
      Set<JsonNode> once = new LinkedHashSet<>();
      rules.forEach(once::add);
      schema.putArray("x-kubernetes-validations").addAll(once);
    }
    if (LIST_MAP_KEYS.containsKey(path)) {
      schema.put("x-kubernetes-list-type", "map");
      schema.putArray("x-kubernetes-list-map-keys").add(LIST_MAP_KEYS.get(path));
      ObjectNode items = (ObjectNode) schema.get("items");
      if (!items.has("required")) {
        items.putArray("required").add(LIST_MAP_KEYS.get(path));
      }
    } else if (LIST_SETS.contains(path)) {
      schema.put("x-kubernetes-list-type", "set");
    } else if (schema.path("type").asText().equals("array")) {
      schema.put("x-kubernetes-list-type", "atomic");
    }
    if (schema.path("x-kubernetes-int-or-string").asBoolean()) {
      schema.put("maxLength", 64);
    }
    if (QUANTITIES.containsKey(path)) {
      schema
          .putArray("x-kubernetes-validations")
          .addObject()
          .put("rule", QUANTITY)
          .put(
              "message",
              "podTemplate.resources.%s must be quantities such as 500m, 2 or 4Gi"
                  .formatted(QUANTITIES.get(path)));
    }
    if (schema.get("properties") instanceof ObjectNode properties) {
      for (var property : properties.properties()) {
        complete(
            (ObjectNode) property.getValue(),
            path.isEmpty() ? property.getKey() : path + "." + property.getKey(),
            inherited);
      }
    }
    if (schema.get("items") instanceof ObjectNode items) {
      complete(items, path + "[]", inherited);
    }
    if (schema.get("additionalProperties") instanceof ObjectNode values) {
      complete(values, path + "{}", inherited);
    }
  }

  /** An integer that Java and Kubernetes can hold. */
  private static void limit(ObjectNode schema, String path) {
    if (!path.startsWith("spec.") || !schema.path("type").asText().equals("integer")) {
      return;
    }
    boolean weight = path.endsWith(".weight");
    schema.put("minimum", weight ? 1 : Integer.MIN_VALUE);
    schema.put("maximum", weight ? 100 : Integer.MAX_VALUE);
  }

  private static void bound(ObjectNode schema, String description) {
    describe(schema, description);
    switch (schema.path("type").asText()) {
      case "string" -> {
        if (!schema.has("maxLength") && !schema.has("enum")) {
          schema.put("maxLength", 32768);
        }
      }
      case "array" -> {
        if (!schema.has("maxItems")) {
          schema.put("maxItems", 64);
        }
      }
      case "object" -> {
        if (schema.has("additionalProperties") && !schema.has("maxProperties")) {
          schema.put("maxProperties", 64);
        }
      }
      default -> {}
    }
  }

  /** The CRD beside the module's pom.xml: for kubectl apply -f crds/. */
  static String manifest(ObjectNode crd) throws IOException {
    return "# Generated from build.kiln.api.v1alpha1 by CrdManifestsTest; rewrite it with -Dcrds.update=true.\n"
        + YAML.writeValueAsString(crd);
  }

  /** The CRD as a template of the chart: installed on request, kept on uninstall. */
  static String chartTemplate(ObjectNode crd) throws IOException {
    ObjectNode kept = crd.deepCopy();
    ObjectNode metadata = (ObjectNode) kept.get("metadata");
    metadata.withObjectProperty("annotations").put("helm.sh/resource-policy", "keep");
    metadata.withObjectProperty("labels").put("app.kubernetes.io/part-of", "kiln");
    return "{{- if .Values.crds.install }}\n"
        + "# Generated from build.kiln.api.v1alpha1 by CrdManifestsTest; rewrite it with -Dcrds.update=true.\n"
        + YAML.writeValueAsString(kept).replace("{{", "{{ \"{{\" }}")
        + "{{- end }}\n";
  }
}
