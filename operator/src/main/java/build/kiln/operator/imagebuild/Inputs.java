package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
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
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The two hashes by which a run knows what it was made of. A field that is neither in {@link #POD}
 * nor in {@link #NEITHER} is a build input, so a new field of the API is one until someone says
 * otherwise.
 */
final class Inputs {
  private static final Set<String> POD =
      Set.of("podTemplate", "workspace", "timeout", "retries", "cache");
  private static final Set<String> NEITHER = Set.of("suspend", "history");

  /** Between the hash of a spec and that of values which are elsewhere. */
  private static final String AND = "-";

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();

  private Inputs() {}

  /** The hash of what decides the image. */
  static String inputsHash(ImageBuildSpec spec) {
    return hash(inputs(spec));
  }

  /**
   * The same with the values of build arguments that are in ConfigMaps.
   *
   * @param arguments by name; empty if they are not known
   */
  static String inputsHash(ImageBuildSpec spec, Map<String, String> arguments) {
    var hash = inputsHash(spec);
    return arguments.isEmpty() ? hash : hash + AND + hash(JSON.valueToTree(arguments));
  }

  /** Whether two hashes are of the same spec, whatever values from elsewhere went into them. */
  static boolean sameSpec(@Nullable String one, String other) {
    return one != null && specOf(one).equals(specOf(other));
  }

  /** Whether it tells of values from elsewhere. */
  static boolean hasArguments(String hash) {
    return hash.contains(AND);
  }

  private static String specOf(String hash) {
    int end = hash.indexOf(AND);
    return end < 0 ? hash : hash.substring(0, end);
  }

  /** The hash of what shapes the pod and its Job. */
  static String podHash(ImageBuildSpec spec) {
    return hash(withoutDefaults(spec).retain(POD));
  }

  /** What decides the image. */
  static ObjectNode inputs(ImageBuildSpec spec) {
    ObjectNode tree = withoutDefaults(spec);
    tree.remove(POD);
    tree.remove(NEITHER);
    return tree;
  }

  /**
   * A spec without the fields that are as if they were not set: what a later release adds with a
   * default leaves the hash as it was, and so builds nothing anew when Kiln is upgraded.
   */
  private static ObjectNode withoutDefaults(ImageBuildSpec spec) {
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

  /** How large a spec is as JSON, in bytes. */
  static int size(ImageBuildSpec spec) {
    try {
      return JSON.writeValueAsBytes(spec).length;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a spec that cannot be written as JSON", e);
    }
  }

  private static String hash(ObjectNode tree) {
    // By way of a map: a tree keeps the order of its fields, a map is written sorted.
    Object sorted = JSON.convertValue(tree, Object.class);
    try {
      return Hashes.sha256(
          JSON.writeValueAsString(sorted == null ? JsonNodeFactory.instance.objectNode() : sorted),
          16);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a spec that cannot be written as JSON", e);
    }
  }
}
