package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.HttpURLConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes a built-in's status. By JSON patch: the in-memory API server drops the status of a whole
 * object, and a merge patch makes its lists longer.
 */
final class StatusPatch {
  private static final PatchContext JSON = PatchContext.of(PatchType.JSON);

  private StatusPatch() {}

  /**
   * Sets these fields of the status.
   *
   * @return false if the resource is gone
   */
  static boolean apply(Resource<? extends HasMetadata> resource, Map<String, ?> fields) {
    var found = resource.get();
    if (found == null) {
      return false;
    }
    List<Map<String, Object>> patch = new ArrayList<>();
    if (!Serialization.jsonMapper().valueToTree(found).has("status")) {
      patch.add(add("/status", Map.of()));
    }
    fields.forEach((name, value) -> patch.add(add("/status/" + name, value)));
    try {
      return resource.subresource("status").patch(JSON, Serialization.asJson(patch)) != null;
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  private static Map<String, Object> add(String path, Object value) {
    return Map.of("op", "add", "path", path, "value", value);
  }
}
