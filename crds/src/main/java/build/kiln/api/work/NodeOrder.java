package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that the pod needs to know that prunes one node in a run of an ImagePrunePolicy; beside
 * {@link PruneOrder} a kind of its own.
 *
 * @param policy its name
 * @param policyUid its UID: with it, what is remembered of the node goes
 * @param run of the policy, counted from 1
 * @param node its name
 * @param nodeUid another one is another node, of which nothing is known yet
 * @param dryRun whether it only says what it would remove
 * @param gracePeriod the least age of an image, as in {@code 24h}
 * @param rules which images go
 * @param protectedTags regular expressions, found anywhere in a tag; null if there are none
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NodeOrder(
    String apiVersion,
    String kind,
    String policy,
    String policyUid,
    long run,
    String node,
    String nodeUid,
    boolean dryRun,
    String gracePeriod,
    Nodes rules,
    @Nullable List<String> protectedTags) {
  public static final String KIND = "NodeOrder";

  /** The part of a policy's ConfigMaps that is of a node, a UID after it. */
  private static final String PART = "node-";

  public NodeOrder(
      String policy,
      String policyUid,
      long run,
      String node,
      String nodeUid,
      boolean dryRun,
      String gracePeriod,
      Nodes rules,
      @Nullable List<String> protectedTags) {
    this(
        WorkOrder.API_VERSION,
        KIND,
        policy,
        policyUid,
        run,
        node,
        nodeUid,
        dryRun,
        gracePeriod,
        rules,
        protectedTags);
  }

  /** The value of the label by which what is remembered of a node is found. */
  public static String part(String nodeUid) {
    return PART + nodeUid;
  }

  /** Whether a value of that label is of a node. */
  public static boolean isPart(String label) {
    return label.startsWith(PART);
  }
}
