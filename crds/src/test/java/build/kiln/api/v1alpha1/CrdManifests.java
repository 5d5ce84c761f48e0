package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.crdv2.generator.CRDGenerator;
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
 * A CRD as YAML: what fabric8 generates from the records, and what it has no annotation for: keys
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

  /** Values that Kubernetes' own types leave to code: without these a pod could not be made. */
  private static final Map<String, String> QUANTITIES =
      Map.of(
          "spec.podTemplate.resources.limits{}", "limits",
          "spec.podTemplate.resources.requests{}", "requests");

  private static final String QUANTITY =
      "isQuantity(string(self)) && !quantity(string(self)).isLessThan(quantity('0'))";

  /** Schemas that come from Kubernetes' own types, and how their fields are described. */
  private static final Map<String, String> FOREIGN =
      Map.of(
          "spec.podTemplate.affinity", "As in a Pod's spec.affinity.",
          "spec.podTemplate.tolerations", "As in a Pod's spec.tolerations.",
          "spec.nodes.tolerations", "As in a Pod's spec.tolerations.",
          "spec.podTemplate.resources", "As in a container's resources.",
          "status.conditions", "As in the conditions of Kubernetes.");

  private final Kind kind;

  private CrdManifests(Kind kind) {
    this.kind = kind;
  }

  static ObjectNode generate(Kind kind, Path folder) {
    new CRDGenerator()
        .customResourceClasses(List.of(kind.type()))
        .withMinQuotes(true)
        .inOutputDir(folder.toFile())
        .detailedGenerate();
    try {
      String text = Files.readString(folder.resolve(kind.file().replace(".yaml", "-v1.yml")));
      return new CrdManifests(kind).complete((ObjectNode) YAML.readTree(text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ObjectNode complete(ObjectNode crd) {
    ObjectNode spec = (ObjectNode) crd.get("spec");
    ((ObjectNode) spec.get("names")).putArray("categories").add("kiln");
    ObjectNode version = (ObjectNode) spec.get("versions").get(0);
    ArrayNode columns = version.putArray("additionalPrinterColumns");
    for (Kind.Column column : kind.columns()) {
      columns
          .addObject()
          .put("name", column.name())
          .put("type", column.type())
          .put("jsonPath", column.path())
          .put("description", column.description());
    }
    ObjectNode schema = (ObjectNode) version.get("schema").get("openAPIV3Schema");
    describe(schema, kind.what());
    describe((ObjectNode) schema.get("properties").get("spec"), kind.spec());
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

  private void complete(ObjectNode schema, String path, @Nullable String foreign) {
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
    if (kind.listMapKeys().containsKey(path)) {
      schema.put("x-kubernetes-list-type", "map");
      schema.putArray("x-kubernetes-list-map-keys").add(kind.listMapKeys().get(path));
      ObjectNode items = (ObjectNode) schema.get("items");
      if (!items.has("required")) {
        items.putArray("required").add(kind.listMapKeys().get(path));
      }
    } else if (kind.listSets().contains(path)) {
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

  /**
   * What a resource may hold but for its status, as JSON: a command that checks a manifest reads it
   * at its start, where YAML takes longer than all else.
   */
  static String schema(ObjectNode crd) throws IOException {
    ObjectNode schema = crd.at("/spec/versions/0/schema/openAPIV3Schema").deepCopy();
    ((ObjectNode) schema.get("properties")).remove("status");
    return new ObjectMapper().writeValueAsString(schema) + "\n";
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
