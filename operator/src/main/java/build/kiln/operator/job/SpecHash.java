package build.kiln.operator.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Hashes of specs, by which a run knows what it was made of. A field that is as if it was not set
 * does not count: what a later release adds with a default leaves a hash as it was, and so starts
 * nothing anew when Kiln is upgraded.
 */
public final class SpecHash {
  private static final int DIGITS = 16;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();

  private SpecHash() {}

  /** The hash of some fields of a spec. */
  public static String only(Record spec, Collection<String> fields) {
    return hash(withoutDefaults(spec).retain(fields));
  }

  /** The hash of a spec but for some fields. */
  public static String without(Record spec, Collection<String> fields) {
    return hash(withoutDefaults(spec).remove(fields));
  }

  /** The hash of values by name. */
  public static String of(Map<String, String> values) {
    return hash(JSON.valueToTree(values));
  }

  /** How large a spec is as JSON, in bytes. */
  public static int size(Record spec) {
    try {
      return JSON.writeValueAsBytes(spec).length;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a spec that cannot be written as JSON", e);
    }
  }

  /** A spec without the fields that are as if they were not set. */
  public static ObjectNode withoutDefaults(Record spec) {
    ObjectNode tree = JSON.valueToTree(spec);
    removeDefaults(tree, spec);
    return tree;
  }

  private static void removeDefaults(JsonNode tree, @Nullable Object value) {
    if (tree instanceof ObjectNode fields && value instanceof Record whole) {
      JsonNode defaults = JSON.valueToTree(JSON.convertValue(Map.of(), whole.getClass()));
      for (var component : whole.getClass().getRecordComponents()) {
        var name = component.getName();
        var field = fields.path(name);
        if (field.isNull() || field.equals(defaults.get(name))) {
          fields.remove(name);
        } else {
          removeDefaults(field, get(component, whole));
        }
      }
    } else if (tree instanceof ArrayNode items && value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        removeDefaults(items.get(i), list.get(i));
      }
    }
  }

  private static @Nullable Object get(RecordComponent component, Record whole) {
    try {
      return component.getAccessor().invoke(whole);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("a field of the API that cannot be read: " + component, e);
    }
  }

  private static String hash(JsonNode tree) {
    // By way of a map: a tree keeps the order of its fields, a map is written sorted.
    Object sorted = JSON.convertValue(tree, Object.class);
    try {
      return Hashes.sha256(
          JSON.writeValueAsString(sorted == null ? JsonNodeFactory.instance.objectNode() : sorted),
          DIGITS);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a spec that cannot be written as JSON", e);
    }
  }
}
