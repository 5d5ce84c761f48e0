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

  /** No node has more images; what says more counts as so many. */
  private static final int MOST = 10_000_000;

  private static final long MOST_BYTES = 1L << 50;
  private static final String REASON = "[A-Z0-9_]{1,64}";

  /** Whoever writes as that pod may write anything: what cannot be is left out, or bounded. */
  public NodeOutcome {
    examined = Math.clamp(examined, 0, MOST);
    kept =
        listed(kept).stream()
            .filter(one -> Objects.requireNonNullElse(one.reason(), "").matches(REASON))
            .map(one -> new Kept(one.reason(), Math.clamp(one.count(), 0, MOST)))
            .toList();
    removed = Math.clamp(removed, 0, MOST);
    left = Math.clamp(left, 0, MOST);
    failed = Math.clamp(failed, 0, MOST);
    reclaimedBytes = Math.clamp(reclaimedBytes, 0, MOST_BYTES);
    images = listed(images);
  }

  private static <T> List<T> listed(@Nullable List<T> list) {
    return list == null ? List.of() : list.stream().filter(Objects::nonNull).toList();
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
