package build.kiln.operator.imagepruning;

import build.kiln.api.work.NodeOutcome;
import org.jspecify.annotations.Nullable;

/**
 * What a run came to on one node.
 *
 * @param outcome what the node's pod says; null if there is no word of it
 * @param failure why there is none
 */
record NodeEnd(String node, @Nullable NodeOutcome outcome, String failure) {
  static NodeEnd told(String node, NodeOutcome outcome) {
    return new NodeEnd(node, outcome, "");
  }

  static NodeEnd failed(String node, String why) {
    return new NodeEnd(node, null, why);
  }

  /** Whether the node was pruned as it should. */
  boolean well() {
    return outcome != null && outcome.succeeded();
  }

  /** Whether it was only that the limits allow less. */
  boolean limited() {
    return outcome != null && outcome.failure() == NodeOutcome.Failure.LimitsExceeded;
  }

  /** Whether it was a dry run, and the limits would stop the real one. */
  boolean wouldBeLimited() {
    return outcome != null && well() && outcome.dryRun() && outcome.message() != null;
  }

  /** Why it was not pruned as it should. */
  String message() {
    if (outcome == null) {
      return failure;
    }
    return outcome.message() == null ? "its pod does not say why" : outcome.message();
  }
}
