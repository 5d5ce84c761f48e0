package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** docs/api.md: the CRDs' schemas as Markdown, a section an object, a row a field. */
final class ApiReference {
  private final StringBuilder text = new StringBuilder();

  private ApiReference() {}

  static String of(Map<Kind, ObjectNode> crds) {
    ApiReference reference = new ApiReference();
    reference
        .text
        .append("# API reference\n\n")
        .append("Generated from the CRDs in `crds/`; do not edit. ")
        .append("The same text is in `kubectl explain imagebuild.spec --recursive`, and so on.\n");
    crds.forEach(reference::kind);
    return reference.text.toString();
  }

  private void kind(Kind kind, ObjectNode crd) {
    JsonNode names = crd.at("/spec/names");
    JsonNode version = crd.at("/spec/versions/0");
    text.append("\n## ")
        .append(kind.name())
        .append("\n\n`apiVersion: ")
        .append(crd.at("/spec/group").asText())
        .append('/')
        .append(version.get("name").asText())
        .append(
            crd.at("/spec/scope").asText().equals("Cluster")
                ? "`, cluster-scoped, short name `"
                : "`, namespaced, short name `")
        .append(names.at("/shortNames/0").asText())
        .append("`, category `")
        .append(names.at("/categories/0").asText())
        .append("`.\n\n`kubectl get` shows:\n\n| column | what |\n|---|---|\n");
    for (JsonNode column : version.get("additionalPrinterColumns")) {
      row("`" + column.get("name").asText() + "`", column.path("description").asText());
    }
    JsonNode schema = version.at("/schema/openAPIV3Schema");
    section("spec", schema.at("/properties/spec"), 3);
    section("status", schema.at("/properties/status"), 3);
    if (kind.reasons().isEmpty()) {
      return;
    }
    text.append("\n### Reasons of a failure\n\n| reason | a new attempt may help |\n|---|---|\n");
    kind.reasons()
        .forEach(
            (reason, retryable) ->
                row(
                    "`" + reason + "`",
                    retryable ? "yes, by itself" : "no, something must change"));
  }

  private void section(String path, JsonNode schema, int level) {
    text.append('\n').append("#".repeat(level)).append(" `").append(path).append("`\n\n");
    if (schema.has("description")) {
      text.append(escape(schema.path("description").asText())).append("\n\n");
    }
    for (JsonNode rule : schema.path("x-kubernetes-validations")) {
      text.append("- rule: ").append(escape(rule.path("message").asText())).append('\n');
    }
    if (schema.has("x-kubernetes-validations")) {
      text.append('\n');
    }
    text.append("| field | type | default | what |\n|---|---|---|---|\n");
    Map<String, JsonNode> inner = new LinkedHashMap<>();
    for (var property : schema.get("properties").properties()) {
      JsonNode field = property.getValue();
      String name = property.getKey();
      boolean required =
          StreamSupport.stream(schema.path("required").spliterator(), false)
              .anyMatch(r -> r.asText().equals(name));
      row(
          "`" + name + "`" + (required ? " (required)" : ""),
          type(field),
          field.has("default") && !field.get("default").isContainerNode()
              ? "`"
                  + (field.get("default").asText().isEmpty()
                      ? "\"\""
                      : field.get("default").asText())
                  + "`"
              : field.has("default") && field.get("default").isArray()
                  ? "`" + field.get("default") + "`"
                  : "",
          field.path("description").asText() + rules(field));
      JsonNode object = field.has("items") ? field.get("items") : field;
      boolean foreign =
          object.path("description").asText().startsWith("As in ")
              || field.path("description").asText().startsWith("Affinity");
      if (object.has("properties") && !foreign) {
        inner.put(path + "." + name + (field.has("items") ? "[]" : ""), object);
      }
    }
    inner.forEach((name, object) -> section(name, object, 4));
  }

  private static String rules(JsonNode field) {
    StringBuilder rules = new StringBuilder();
    if (!field.has("properties")) {
      for (JsonNode rule : field.path("x-kubernetes-validations")) {
        rules.append(" *").append(rule.path("message").asText()).append(".*");
      }
    }
    return rules.toString();
  }

  private static String type(JsonNode field) {
    if (field.has("enum")) {
      return StreamSupport.stream(field.get("enum").spliterator(), false)
          .map(value -> "`" + value.asText() + "`")
          .collect(Collectors.joining(", "));
    }
    if (field.path("x-kubernetes-int-or-string").asBoolean()) {
      return rules(field).contains("seconds since 1970") ? "whole number or text" : "quantity";
    }
    if (field.has("items")) {
      return "list of " + type(field.get("items")) + bound(field, "maxItems", " items");
    }
    if (field.has("additionalProperties")) {
      return "map of "
          + type(field.get("additionalProperties"))
          + bound(field, "maxProperties", " entries");
    }
    String number =
        field.has("minimum") && field.has("maximum")
            ? " " + field.get("minimum").asInt() + " to " + field.get("maximum").asInt()
            : "";
    return field.path("type").asText() + number + bound(field, "maxLength", " characters");
  }

  private static String bound(JsonNode field, String name, String unit) {
    return field.has(name) ? ", at most " + field.get(name).asInt() + unit : "";
  }

  private void row(String... cells) {
    text.append('|');
    for (String cell : cells) {
      text.append(' ').append(escape(cell)).append(" |");
    }
    text.append('\n');
  }

  private static String escape(String cell) {
    return cell.replace("|", "\\|").replace("\n", " ");
  }
}
