package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The termination message of a pod that pruned a node, in under 4 KiB of JSON. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NodeOutcome(
    boolean succeeded,
    /** Set when it failed. */
    @Nullable Failure failure,
    @Nullable String message,
    boolean dryRun,
    /** Images that were looked at. */
    int examined,
    /** How many of them stay, by reason. */
    List<Kept> kept,
    /** What was removed; of a dry run, or one that a limit stopped, what would be. */
    int removed,
    /** Removals that were not tried, since something had changed. */
    int left,
    int failed,
    /** The sizes of what was removed, or would be; layers that images share count for each. */
    long reclaimedBytes,
    /** Names of the first images that were removed, or would be. */
    List<String> images) {

  public NodeOutcome {
    kept = Objects.requireNonNullElse(kept, List.of());
    images = Objects.requireNonNullElse(images, List.of());
  }

  /** What kept a node from being pruned as it should. */
  public enum Failure {
    /** More was to go than the limits allow: nothing was removed. */
    LimitsExceeded,
    /** The container runtime could not be asked, or did not remove all that it should. */
    RuntimeFailed,
    /** What is remembered of the node could not be read, so nothing was removed; or not kept. */
    StateNotKept
  }

  /** Of a node that could not be looked at. */
  public static NodeOutcome failed(Failure failure, @Nullable String message, boolean dryRun) {
    return new NodeOutcome(false, failure, message, dryRun, 0, List.of(), 0, 0, 0, 0, List.of());
  }
}
