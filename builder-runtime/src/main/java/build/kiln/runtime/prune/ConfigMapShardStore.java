package build.kiln.runtime.prune;

import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.prune.PruneException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Values as ConfigMaps of the pod's namespace, one each, found by their labels. The API server
 * compares their versions, so that of two who write at once one is refused.
 */
public final class ConfigMapShardStore implements ShardStore {
  /** What the name of each begins with. */
  public static final String PREFIX = "kiln-prune-";

  private static final String POLICY = "kiln.build/prune-policy";
  private static final String PART = "kiln.build/prune-part";
  static final String KEY = "data.gz";

  /** Each answer holds some MB. */
  private static final Map<String, String> FEW = Map.of("limit", "10");

  /**
   * Whose values these are.
   *
   * @param policy its name
   * @param uid its UID: with it, its values go
   */
  public record Owner(String policy, @Nullable String uid) {}

  private final ClusterApi api;
  private final Owner owner;
  private final String label;
  private final String part;

  /**
   * @param part which of the owner's values: letters, digits and hyphens
   */
  public ConfigMapShardStore(ClusterApi api, Owner owner, String part) {
    this.api = api;
    this.owner = owner;
    this.label = Names.label(owner.policy());
    this.part = part;
  }

  /** How the ConfigMaps of the part are chosen, for kubectl's {@code -l}. */
  public String selector() {
    return POLICY + "=" + label + "," + PART + "=" + part;
  }

  @Override
  public Map<String, Stored> load() throws IOException {
    Map<String, String> query = new TreeMap<>(FEW);
    query.put("labelSelector", selector());
    List<JsonNode> found = new ArrayList<>();
    api.list(collection(), query, page -> page.path("items").forEach(found::add));
    Map<String, Stored> all = new TreeMap<>();
    for (JsonNode map : found) {
      JsonNode metadata = map.path("metadata");
      String name = metadata.path("name").asText();
      if (!name.startsWith(name(""))) {
        throw damaged(name, "its name does not begin with " + name(""));
      }
      try {
        byte[] bytes = Base64.getDecoder().decode(map.path("binaryData").path(KEY).asText());
        all.put(
            name.substring(name("").length()),
            new Stored(bytes, metadata.path("resourceVersion").asText()));
      } catch (IllegalArgumentException e) {
        throw damaged(name, "its " + KEY + " is not base64");
      }
    }
    return all;
  }

  private static PruneException damaged(String name, String why) {
    return new PruneException(
        Code.LEDGER_INVALID,
        "tried to read the ConfigMap %s but %s; restore it, or delete it with all of its label %s"
            .formatted(name, why, POLICY));
  }

  @Override
  public boolean put(String name, byte[] bytes, @Nullable String version) throws IOException {
    ObjectNode map = Json.mapper().createObjectNode();
    map.put("apiVersion", "v1").put("kind", "ConfigMap");
    ObjectNode metadata = map.putObject("metadata");
    metadata.put("name", name(name)).put("namespace", api.namespace());
    metadata
        .putObject("labels")
        .put("app.kubernetes.io/managed-by", "kiln")
        .put(POLICY, label)
        .put(PART, part);
    if (owner.uid() != null) {
      metadata
          .putArray("ownerReferences")
          .addObject()
          .put("apiVersion", "kiln.build/v1alpha1")
          .put("kind", "ImagePrunePolicy")
          .put("name", owner.policy())
          .put("uid", owner.uid());
    }
    map.putObject("binaryData").put(KEY, Base64.getEncoder().encodeToString(bytes));
    if (version == null) {
      return api.create(collection(), map);
    }
    metadata.put("resourceVersion", version);
    return api.replace(object(name), map);
  }

  @Override
  public boolean remove(String name, String version) throws IOException {
    return api.delete(object(name), version);
  }

  private String name(String shard) {
    return PREFIX + label + "-" + part + "-" + shard;
  }

  private String collection() {
    return "/api/v1/namespaces/" + api.namespace() + "/configmaps";
  }

  private String object(String shard) {
    return collection() + "/" + name(shard);
  }
}
