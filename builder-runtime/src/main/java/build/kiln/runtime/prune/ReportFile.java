package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.PruneException.Code;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The whole report of a policy's run, in JSON: what became of each deletion, and of every digest
 * why it stays or goes.
 *
 * @param dryRun whether it only says what would be deleted
 * @param keptLeftOut whether the plan lacks what stays, since all of it would have been too large
 * @param result null of a dry run
 * @param plan with a reason for everything
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonPropertyOrder({"apiVersion", "kind", "run", "dryRun", "keptLeftOut"})
public record ReportFile(
    String apiVersion,
    String kind,
    long run,
    boolean dryRun,
    boolean keptLeftOut,
    @Nullable RunReport result,
    PlanFile plan) {
  private static final String VERSION = "prune.kiln.build/v1";
  private static final String KIND = "PruneReport";

  /** ConfigMaps are for what is small; compressed, in bytes. */
  private static final int MOST_IN_CONFIG_MAPS = 8 << 20;

  public static ReportFile of(long run, PolicyRun.Ended ended) {
    return new ReportFile(
        VERSION,
        KIND,
        run,
        ended.executed().isEmpty(),
        false,
        ended.executed().orElse(null),
        PlanFile.of(ended.plan()));
  }

  private ReportFile withoutKept() {
    return new ReportFile(apiVersion, kind, run, dryRun, true, result, plan.withoutKept());
  }

  /** As JSON. */
  public byte[] write() {
    return Json.write(this);
  }

  /** Replaces the one in a store; without what stays if all of it is too large. */
  public void save(ShardStore store) throws IOException {
    byte[] whole = Chunks.pack(write());
    Chunks.write(
        store, whole.length <= MOST_IN_CONFIG_MAPS ? whole : Chunks.pack(withoutKept().write()));
  }

  /**
   * Reads a report, or the ConfigMaps with one, as {@code kubectl get -o json} writes them.
   *
   * @param name the file's, for messages
   * @throws PruneException INPUT_INVALID if it is none
   */
  public static ReportFile read(String name, byte[] bytes) throws PruneException {
    try {
      JsonNode tree = Json.tree(bytes, name);
      String kind = tree.path("kind").asText("");
      byte[] report =
          kind.equals("ConfigMap") || kind.equals("List") || kind.equals("ConfigMapList")
              ? unpacked(tree)
              : bytes;
      ReportFile file = Json.read(report, ReportFile.class, name);
      if (!KIND.equals(file.kind) || !VERSION.equals(file.apiVersion)) {
        throw new OciException(name + " is no report of a policy's run");
      }
      return file;
    } catch (OciException | IllegalArgumentException e) {
      throw new PruneException(Code.INPUT_INVALID, String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new PruneException(
          Code.INPUT_INVALID,
          name + " holds no whole report: give all ConfigMaps that status.lastRun.report names",
          e);
    }
  }

  private static byte[] unpacked(JsonNode tree) throws IOException {
    Map<String, byte[]> chunks = new TreeMap<>();
    List<JsonNode> maps = new ArrayList<>();
    if (tree.path("items").isArray()) {
      tree.path("items").forEach(maps::add);
    } else {
      maps.add(tree);
    }
    for (JsonNode map : maps) {
      String data = map.path("binaryData").path(ConfigMapShardStore.KEY).asText("");
      chunks.put(map.path("metadata").path("name").asText(), Base64.getDecoder().decode(data));
    }
    return Chunks.unpack(chunks.values());
  }
}
