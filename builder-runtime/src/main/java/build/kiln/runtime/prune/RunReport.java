package build.kiln.runtime.prune;

import build.kiln.runtime.prune.Plan.Stop;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a run came to.
 *
 * @param hash of the plan
 * @param started RFC 3339
 * @param ended RFC 3339
 * @param deleted digests that are gone
 * @param untagged single tags that are gone
 * @param left deletions that were not tried, since something had changed
 * @param failed deletions that were refused or broke
 * @param reclaimedBytes of blobs and documents that nothing needs any more, each counted once
 * @param conditions what a person should mend, such as {@code DeleteUnsupported}, once each
 * @param stop why nothing was done; null if it was
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RunReport(
    String policy,
    String hash,
    String started,
    String ended,
    int examined,
    Map<Reason, Integer> keptByReason,
    int deleted,
    int untagged,
    int left,
    int failed,
    long reclaimedBytes,
    List<Condition> conditions,
    @Nullable Stop stop,
    List<Outcome> outcomes) {

  /** The totals alone. */
  public RunReport withoutOutcomes() {
    return with(conditions, List.of());
  }

  /** With deletions that were not tried at all, of the plan that they are in. */
  RunReport withLeft(Plan whole, List<Outcome> more) {
    List<Outcome> all = new ArrayList<>(outcomes);
    all.addAll(more);
    return new RunReport(
        policy,
        whole.hash(),
        started,
        ended,
        whole.examined(),
        whole.keptByReason(),
        deleted,
        untagged,
        left + more.size(),
        failed,
        reclaimedBytes,
        conditions,
        stop,
        List.copyOf(all));
  }

  /** With something more that a person should mend. */
  RunReport withCondition(Condition more) {
    List<Condition> all = new ArrayList<>(conditions);
    all.add(more);
    return with(List.copyOf(all), outcomes);
  }

  private RunReport with(List<Condition> otherConditions, List<Outcome> otherOutcomes) {
    return new RunReport(
        policy,
        hash,
        started,
        ended,
        examined,
        keptByReason,
        deleted,
        untagged,
        left,
        failed,
        reclaimedBytes,
        otherConditions,
        stop,
        otherOutcomes);
  }

  /** Kinds of what a person should mend. */
  public enum ConditionType {
    /** The registry deletes no manifests. */
    DeleteUnsupported,
    /** The registry deletes no single tags, or what they point at with them. */
    TagDeleteUnsupported,
    /** The account may not delete. */
    DeleteDenied,
    /** What was done could not be written down for the next run. */
    StateNotKept
  }

  /** Something to mend, where. */
  public record Condition(ConditionType type, String where, String message) {}

  /** How one deletion ended. */
  public enum Result {
    DELETED,
    /** It was not there any more. */
    GONE,
    /** It stays: something has changed since the plan was made. */
    LEFT,
    FAILED
  }

  /** One deletion and its end. */
  public record Outcome(String repository, Deletion deletion, Result result, String message) {
    boolean gone() {
      return result == Result.DELETED || result == Result.GONE;
    }
  }
}
