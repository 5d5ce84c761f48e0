package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;

/**
 * The two hashes by which a run knows what it was made of. A field that is neither in {@link #POD}
 * nor in {@link #NEITHER} is a build input, so a new field of the API is one until someone says
 * otherwise.
 */
final class Inputs {
  private static final Set<String> POD =
      Set.of("podTemplate", "workspace", "timeout", "retries", "cache");
  private static final Set<String> NEITHER = Set.of("suspend", "history");

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();

  private Inputs() {}

  /** The hash of what decides the image. */
  static String inputsHash(ImageBuildSpec spec) {
    ObjectNode tree = JSON.valueToTree(spec);
    tree.remove(POD);
    tree.remove(NEITHER);
    return hash(tree);
  }

  /** The hash of what shapes the pod and its Job. */
  static String podHash(ImageBuildSpec spec) {
    ObjectNode tree = JSON.valueToTree(spec);
    return hash(tree.retain(POD));
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
