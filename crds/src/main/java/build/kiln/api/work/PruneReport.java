package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Deletion;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Nodes;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Warning;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What the operator gets to know of a prune policy's run, the last framed record on stdout. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PruneReport(
    PruneOutcome outcome,
    /** By reason. */
    List<Kept> kept,
    /** What failed, then what was left, then the rest in the plan's order; at most 20. */
    List<Deletion> deletions,
    /** Where the whole report is; null if it is nowhere. */
    @Nullable String report,
    /** What a person should know of besides; at most 10. */
    List<Warning> warnings,
    /** The process's peak resident memory in bytes, 0 if unknown. */
    long peakMemory,
    /** What became of images on nodes, which the operator adds; null if there are none. */
    @Nullable Nodes nodes) {

  public PruneReport {
    warnings = Objects.requireNonNullElse(warnings, List.of());
  }

  /** Of a pod, which sees no node. */
  public PruneReport(
      PruneOutcome outcome,
      List<Kept> kept,
      List<Deletion> deletions,
      @Nullable String report,
      List<Warning> warnings,
      long peakMemory) {
    this(outcome, kept, deletions, report, warnings, peakMemory, null);
  }

  /** With what became of images on nodes. */
  public PruneReport with(Nodes ofNodes) {
    return new PruneReport(outcome, kept, deletions, report, warnings, peakMemory, ofNodes);
  }
}
