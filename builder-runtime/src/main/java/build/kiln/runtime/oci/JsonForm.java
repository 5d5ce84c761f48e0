package build.kiln.runtime.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * How values of a type look in JSON. Written out rather than found by reflection: a process that
 * builds or copies reads a handful of documents, and finding out about their records would take it
 * longer than all else it does with them.
 *
 * @param <T> the type
 */
public interface JsonForm<T> {
  /** A string; null is an empty one, and what tools wrote as a number or a boolean is its text. */
  JsonForm<String> TEXT =
      new OrNull<>(scalar("a string", JsonForm::isScalar, JsonNode::asText, TextNode::valueOf), "");

  /** A whole number of 64 bits. */
  JsonForm<Long> LONG =
      scalar("a whole number", JsonForm::isLong, JsonNode::longValue, LongNode::valueOf);

  /** A whole number of 32 bits. */
  JsonForm<Integer> INTEGER =
      scalar("a whole number", JsonForm::isInteger, JsonNode::intValue, IntNode::valueOf);

  /** True or false. */
  JsonForm<Boolean> BOOLEAN =
      scalar("true or false", JsonNode::isBoolean, JsonNode::booleanValue, BooleanNode::valueOf);

  /** Strings. */
  JsonForm<List<String>> TEXTS = list(TEXT);

  /** Strings by name. */
  JsonForm<Map<String, String>> TEXT_MAP = map(TEXT);

  /**
   * @param place where in its document it is, for messages
   * @throws OciException if it is not of this form
   */
  T read(JsonNode json, String place);

  JsonNode write(T value);

  /**
   * A string that means something.
   *
   * @param parse the reverse of {@code toString}; throws {@link OciException} for what it does not
   *     know
   */
  static <T> JsonForm<T> text(Function<String, T> parse) {
    return scalar(
        "a string",
        JsonNode::isTextual,
        json -> parse.apply(json.textValue()),
        value -> TextNode.valueOf(value.toString()));
  }

  /** An array; null is an empty one, as readers in Go have it. */
  static <T> JsonForm<List<T>> list(JsonForm<T> element) {
    return new OrNull<>(new Array<>(element), List.of());
  }

  /** An object whose names are not known before, in the document's order; null is an empty one. */
  static <T> JsonForm<Map<String, T>> map(JsonForm<T> value) {
    return new OrNull<>(new Names<>(value), Map.of());
  }

  private static <T> JsonForm<T> scalar(
      String wanted,
      Predicate<JsonNode> fits,
      Function<JsonNode, T> reading,
      Function<T, JsonNode> writing) {
    return new Scalar<>(wanted, fits, reading, writing);
  }

  private static boolean isScalar(JsonNode json) {
    return json.isTextual() || json.isNumber() || json.isBoolean();
  }

  private static boolean isLong(JsonNode json) {
    return json.isIntegralNumber() && json.canConvertToLong();
  }

  private static boolean isInteger(JsonNode json) {
    return json.isIntegralNumber() && json.canConvertToInt();
  }

  /** What is wrong with a value, and where. */
  static OciException wrong(String place, String problem) {
    return new OciException(place.isEmpty() ? problem : place + ": " + problem);
  }

  /** Something else was wanted. */
  static OciException want(String place, String wanted, JsonNode json) {
    String found = json.getNodeType().name().toLowerCase(Locale.ROOT);
    return wrong(place, "want " + wanted + ", not " + found);
  }

  /**
   * One value.
   *
   * @param wanted what it is called
   */
  record Scalar<T>(
      String wanted,
      Predicate<JsonNode> fits,
      Function<JsonNode, T> reading,
      Function<T, JsonNode> writing)
      implements JsonForm<T> {
    @Override
    public T read(JsonNode json, String place) {
      if (!fits.test(json)) {
        throw want(place, wanted, json);
      }
      try {
        return reading.apply(json);
      } catch (OciException e) {
        throw wrong(place, String.valueOf(e.getMessage()));
      }
    }

    @Override
    public JsonNode write(T value) {
      return writing.apply(value);
    }
  }

  /** An array of one form. */
  record Array<T>(JsonForm<T> element) implements JsonForm<List<T>> {
    @Override
    public List<T> read(JsonNode json, String place) {
      if (!json.isArray()) {
        throw want(place, "an array", json);
      }
      var values = new ArrayList<T>(json.size());
      for (JsonNode each : json) {
        values.add(element.read(each, place + "[" + values.size() + "]"));
      }
      return values;
    }

    @Override
    public JsonNode write(List<T> values) {
      ArrayNode array = JsonNodeFactory.instance.arrayNode(values.size());
      values.forEach(value -> array.add(element.write(value)));
      return array;
    }
  }

  /** An object of values of one form. */
  record Names<T>(JsonForm<T> value) implements JsonForm<Map<String, T>> {
    @Override
    public Map<String, T> read(JsonNode json, String place) {
      if (!json.isObject()) {
        throw want(place, "an object", json);
      }
      var values = new LinkedHashMap<String, T>();
      json.properties()
          .forEach(
              each ->
                  values.put(
                      each.getKey(), value.read(each.getValue(), place + "." + each.getKey())));
      return values;
    }

    @Override
    public JsonNode write(Map<String, T> values) {
      ObjectNode object = JsonNodeFactory.instance.objectNode();
      values.forEach((name, each) -> object.set(name, value.write(each)));
      return object;
    }
  }

  /** A form in which JSON's null means something too. */
  record OrNull<T>(JsonForm<T> form, T meaning) implements JsonForm<T> {
    @Override
    public T read(JsonNode json, String place) {
      return json.isNull() ? meaning : form.read(json, place);
    }

    @Override
    public JsonNode write(T value) {
      return form.write(value);
    }
  }
}
