package build.kiln.runtime.oci;

import com.fasterxml.jackson.core.JsonGenerationException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes trees as a mapper does, without one: of a name that comes twice the last counts,
 * and what follows the document is left. Nesting is limited by the parser.
 */
final class JsonTree {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final JsonParser parser;

  private JsonTree(JsonParser parser) {
    this.parser = parser;
  }

  /** The document; a missing node if there is nothing. */
  static JsonNode read(JsonParser parser) throws IOException {
    JsonToken first = parser.nextToken();
    return first == null ? MissingNode.getInstance() : new JsonTree(parser).value(first);
  }

  private JsonNode value(@Nullable JsonToken token) throws IOException {
    if (token == null) {
      throw new JsonParseException(parser, "it ends in the middle of a value");
    }
    return switch (token) {
      case START_OBJECT -> object();
      case START_ARRAY -> array();
      case VALUE_STRING -> NODES.textNode(parser.getText());
      case VALUE_NUMBER_INT ->
          switch (parser.getNumberType()) {
            case INT -> NODES.numberNode(parser.getIntValue());
            case LONG -> NODES.numberNode(parser.getLongValue());
            default -> NODES.numberNode(parser.getBigIntegerValue());
          };
      case VALUE_NUMBER_FLOAT -> NODES.numberNode(parser.getDoubleValue());
      case VALUE_TRUE -> NODES.booleanNode(true);
      case VALUE_FALSE -> NODES.booleanNode(false);
      case VALUE_NULL -> NODES.nullNode();
      default -> throw new JsonParseException(parser, "a value was expected, not " + token);
    };
  }

  private ObjectNode object() throws IOException {
    ObjectNode object = NODES.objectNode();
    for (String name; (name = parser.nextFieldName()) != null; ) {
      object.set(name, value(parser.nextToken()));
    }
    return object;
  }

  private ArrayNode array() throws IOException {
    ArrayNode array = NODES.arrayNode();
    for (JsonToken token; (token = parser.nextToken()) != JsonToken.END_ARRAY; ) {
      array.add(value(token));
    }
    return array;
  }

  /**
   * @throws JsonGenerationException for what a tree that was read cannot have, such as Java objects
   */
  static void write(JsonNode json, JsonGenerator generator) throws IOException {
    switch (json.getNodeType()) {
      case OBJECT -> {
        generator.writeStartObject();
        for (Map.Entry<String, JsonNode> field : json.properties()) {
          generator.writeFieldName(field.getKey());
          write(field.getValue(), generator);
        }
        generator.writeEndObject();
      }
      case ARRAY -> {
        generator.writeStartArray();
        for (JsonNode element : json) {
          write(element, generator);
        }
        generator.writeEndArray();
      }
      case STRING -> generator.writeString(json.textValue());
      case NUMBER -> writeNumber(json, generator);
      case BOOLEAN -> generator.writeBoolean(json.booleanValue());
      case NULL -> generator.writeNull();
      default -> throw new JsonGenerationException("a " + json.getNodeType() + " node", generator);
    }
  }

  private static void writeNumber(JsonNode json, JsonGenerator generator) throws IOException {
    if (json.isIntegralNumber()) {
      if (json.canConvertToLong()) {
        generator.writeNumber(json.longValue());
      } else {
        generator.writeNumber(json.bigIntegerValue());
      }
    } else if (json.isBigDecimal()) {
      generator.writeNumber(json.decimalValue());
    } else {
      generator.writeNumber(json.doubleValue());
    }
  }
}
