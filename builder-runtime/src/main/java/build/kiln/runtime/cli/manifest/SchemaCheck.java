package build.kiln.runtime.cli.manifest;

import build.kiln.runtime.cli.manifest.ManifestException.Problem;
import build.kiln.runtime.dockerfile.Suggestions;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Holds a document against a structural schema as the API server does, with strict fields: unknown
 * and missing fields, types, limits, enumerations, keys of lists; then, if all that is right, the
 * validation rules. Every problem is told, not only the first.
 */
final class SchemaCheck {
  private static final String PRESERVE = "x-kubernetes-preserve-unknown-fields";
  private static final String INT_OR_STRING = "x-kubernetes-int-or-string";

  private final List<Problem> problems = new ArrayList<>();

  private SchemaCheck() {}

  /** What is wrong, in no order; empty if nothing is. */
  static List<Problem> problems(Tree document, JsonNode schema) {
    SchemaCheck check = new SchemaCheck();
    check.value(document, schema, "");
    if (check.problems.isEmpty()) {
      check.rules(document, schema, "");
    }
    return check.problems;
  }

  private void value(Tree value, JsonNode schema, String path) {
    Optional<String> mismatch = mismatch(value, schema);
    if (mismatch.isPresent()) {
      wrong(value, path, mismatch.get());
      return;
    }
    if (schema.has("enum") && !contains(schema.get("enum"), value.json())) {
      wrong(value, path, "must be one of " + list(schema.get("enum")) + suggestion(value, schema));
    }
    switch (value) {
      case Tree.Fields mapping -> {
        range(mapping, schema, path, mapping.fields().size(), "Properties", "field");
        required(mapping, schema, path);
        unknown(mapping, schema, path);
      }
      case Tree.Items sequence -> {
        range(sequence, schema, path, sequence.items().size(), "Items", "item");
        unique(sequence, schema, path);
      }
      case Tree.Scalar scalar -> scalar(scalar, schema, path);
    }
    children(value, schema, path, (child, at) -> value(child.value(), child.schema(), at));
  }

  /** A value, the schema that holds for it. */
  private record Child(Tree value, JsonNode schema) {}

  private static void children(
      Tree parent, JsonNode schema, String path, BiConsumer<Child, String> action) {
    switch (parent) {
      case Tree.Fields mapping ->
          mapping
              .fields()
              .forEach(
                  (name, field) -> {
                    JsonNode known = schema.path("properties").path(name);
                    JsonNode child =
                        known.isMissingNode() ? schema.path("additionalProperties") : known;
                    // The API server drops fields that are null before it checks.
                    boolean left = field.value().json().isNull();
                    if (child.isObject() && !left) {
                      String at =
                          known.isMissingNode() ? path + "[\"" + name + "\"]" : join(path, name);
                      action.accept(new Child(field.value(), child), at);
                    }
                  });
      case Tree.Items sequence -> {
        for (int i = 0; i < sequence.items().size(); i++) {
          action.accept(
              new Child(sequence.items().get(i), schema.path("items")), path + "[" + i + "]");
        }
      }
      case Tree.Scalar _ -> {}
    }
  }

  private static Optional<String> mismatch(Tree value, JsonNode schema) {
    JsonNode json = value.json();
    boolean either = schema.path(INT_OR_STRING).asBoolean();
    String type = schema.path("type").asText();
    boolean fits =
        either
            ? json.isIntegralNumber() || json.isTextual()
            : switch (type) {
              case "object" -> json.isObject();
              case "array" -> json.isArray();
              case "string" -> json.isTextual();
              case "boolean" -> json.isBoolean();
              case "integer" -> json.isIntegralNumber() && json.canConvertToLong();
              case "number" -> json.isNumber();
              case "" -> true;
              default -> throw new IllegalStateException("a type that no schema has: " + type);
            };
    if (fits) {
      return Optional.empty();
    }
    String wanted = either ? "a whole number or a text" : name(type);
    boolean quotable = !json.isContainerNode() && !json.isNull() && type.equals("string");
    return Optional.of(
        "must be %s, not %s%s"
            .formatted(
                wanted,
                kind(json),
                quotable ? ": put it in quotes" : json.isNull() ? ": give it a value" : ""));
  }

  private static String name(String type) {
    return switch (type) {
      case "object" -> "a mapping";
      case "array" -> "a list";
      case "string" -> "a text";
      case "boolean" -> "true or false";
      case "integer" -> "a whole number";
      default -> "a " + type;
    };
  }

  private static String kind(JsonNode json) {
    return switch (json.getNodeType()) {
      case OBJECT -> "a mapping";
      case ARRAY -> "a list";
      case STRING -> "a text";
      case NULL -> "empty";
      case BOOLEAN -> "the boolean " + json.asText();
      case NUMBER -> "the number " + json.asText();
      case BINARY, MISSING, POJO -> "something else";
    };
  }

  private void required(Tree.Fields mapping, JsonNode schema, String path) {
    for (JsonNode name : schema.path("required")) {
      if (mapping.field(name.asText()).isEmpty()) {
        Tree.Field empty = mapping.fields().get(name.asText());
        Place at = empty == null ? mapping.place() : empty.place();
        JsonNode text = schema.path("properties").path(name.asText()).path("description");
        problems.add(
            new Problem(
                at,
                "missing field \"%s\"%s"
                    .formatted(
                        join(path, name.asText()), text.isTextual() ? ": " + text.asText() : "")));
      }
    }
  }

  private void unknown(Tree.Fields mapping, JsonNode schema, String path) {
    if (schema.has("additionalProperties") || schema.path(PRESERVE).asBoolean()) {
      return;
    }
    Set<String> known = new TreeSet<>();
    schema.path("properties").fieldNames().forEachRemaining(known::add);
    mapping
        .fields()
        .forEach(
            (name, field) -> {
              if (!known.contains(name)) {
                String hint =
                    Suggestions.nearest(name, known)
                        .map(near -> "; did you mean \"" + near + "\"?")
                        .orElse("; known here: " + String.join(", ", known));
                problems.add(
                    new Problem(
                        field.place(), "unknown field \"" + join(path, name) + "\"" + hint));
              }
            });
  }

  private void scalar(Tree.Scalar scalar, JsonNode schema, String path) {
    JsonNode json = scalar.json();
    if (json.isTextual()) {
      String text = json.textValue();
      range(scalar, schema, path, text.codePointCount(0, text.length()), "Length", "character");
    }
    if (json.isNumber()) {
      JsonNode least = schema.path("minimum");
      JsonNode most = schema.path("maximum");
      if (least.isNumber() && json.decimalValue().compareTo(least.decimalValue()) < 0) {
        wrong(scalar, path, "is %s, must be at least %s".formatted(json.asText(), whole(least)));
      }
      if (most.isNumber() && json.decimalValue().compareTo(most.decimalValue()) > 0) {
        wrong(scalar, path, "is %s, must be at most %s".formatted(json.asText(), whole(most)));
      }
    }
  }

  /** {@code minX} and {@code maxX}. */
  private void range(
      Tree value, JsonNode schema, String path, int size, String limit, String unit) {
    JsonNode least = schema.path("min" + limit);
    JsonNode most = schema.path("max" + limit);
    if (least.isNumber() && size < least.asInt()) {
      wrong(
          value,
          path,
          size == 0
              ? "must not be empty"
              : "has %d %ss, must have at least %d".formatted(size, unit, least.asInt()));
    }
    if (most.isNumber() && size > most.asInt()) {
      wrong(value, path, "has %d %ss, may have at most %d".formatted(size, unit, most.asInt()));
    }
  }

  /** Lists that are maps by a key, or sets. */
  private void unique(Tree.Items sequence, JsonNode schema, String path) {
    String type = schema.path("x-kubernetes-list-type").asText();
    if (!type.equals("map") && !type.equals("set")) {
      return;
    }
    List<String> keys = texts(schema.path("x-kubernetes-list-map-keys"));
    Set<Object> seen = new HashSet<>();
    for (int i = 0; i < sequence.items().size(); i++) {
      Tree item = sequence.items().get(i);
      JsonNode json = item.json();
      List<JsonNode> key =
          type.equals("set") ? List.of(json) : keys.stream().map(json::path).toList();
      boolean whole = key.stream().noneMatch(JsonNode::isMissingNode);
      if (whole && !seen.add(key)) {
        String what = key.stream().map(JsonNode::asText).collect(Collectors.joining(", "));
        wrong(
            item,
            path + "[" + i + "]",
            "%s\"%s\" is there already: remove one of them"
                .formatted(keys.isEmpty() ? "" : String.join(", ", keys) + " ", what));
      }
    }
  }

  private void rules(Tree value, JsonNode schema, String path) {
    for (JsonNode rule : schema.path("x-kubernetes-validations")) {
      if (!Rules.keeps(rule.path("rule").asText(), value.json())) {
        String field = rule.path("fieldPath").asText();
        String name = field.startsWith(".") ? field.substring(1) : "";
        problems.add(
            new Problem(
                value.field(name).orElse(value).place(),
                path + field + ": " + rule.path("message").asText()));
      }
    }
    children(value, schema, path, (child, at) -> rules(child.value(), child.schema(), at));
  }

  private void wrong(Tree value, String path, String message) {
    problems.add(
        new Problem(value.place(), (path.isEmpty() ? "the document" : path) + " " + message));
  }

  private static String suggestion(Tree value, JsonNode schema) {
    return Suggestions.nearest(value.json().asText(), texts(schema.get("enum")))
        .map(near -> "; did you mean \"" + near + "\"?")
        .orElse("");
  }

  private static boolean contains(JsonNode values, JsonNode value) {
    return StreamSupport.stream(values.spliterator(), false).anyMatch(value::equals);
  }

  private static String list(JsonNode values) {
    return String.join(", ", texts(values));
  }

  private static List<String> texts(JsonNode values) {
    return StreamSupport.stream(values.spliterator(), false).map(JsonNode::asText).toList();
  }

  private static String whole(JsonNode number) {
    return number.decimalValue().stripTrailingZeros().toPlainString();
  }

  private static String join(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
