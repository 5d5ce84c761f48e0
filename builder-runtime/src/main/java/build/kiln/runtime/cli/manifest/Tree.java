package build.kiln.runtime.cli.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A YAML document as JSON values that know their places. */
sealed interface Tree {
  Place place();

  JsonNode json();

  /** The text of a scalar that is a string. */
  default Optional<String> text() {
    JsonNode json = json();
    return json.isTextual() ? Optional.of(json.textValue()) : Optional.empty();
  }

  /** A field of a mapping; empty if it is not there, or null, or this is no mapping. */
  default Optional<Tree> field(String name) {
    return this instanceof Fields mapping
        ? Optional.ofNullable(mapping.fields().get(name))
            .map(Field::value)
            .filter(value -> !value.json().isNull())
        : Optional.empty();
  }

  /** A key's place and its value. */
  record Field(Place place, Tree value) {}

  /**
   * A mapping, in the order of the file. Its JSON has no fields that are null: no field of the API
   * may be null, and the API server drops them before it looks for defaults.
   */
  record Fields(Place place, Map<String, Field> fields) implements Tree {
    @Override
    public JsonNode json() {
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      fields.forEach(
          (name, field) -> {
            JsonNode value = field.value().json();
            if (!value.isNull()) {
              json.set(name, value);
            }
          });
      return json;
    }
  }

  /** A sequence. */
  record Items(Place place, List<Tree> items) implements Tree {
    @Override
    public JsonNode json() {
      ArrayNode json = JsonNodeFactory.instance.arrayNode();
      items.forEach(item -> json.add(item.json()));
      return json;
    }
  }

  /** A text, number, boolean or null. */
  record Scalar(Place place, JsonNode json) implements Tree {}
}
