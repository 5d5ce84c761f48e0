package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What Kiln did; under 8 KiB as a whole. Times are RFC 3339 in UTC, durations as in "1m12.3s". */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ImageBuildStatus(
    @JsonPropertyDescription("The generation of the spec that this status speaks of.")
        @Nullable Long observedGeneration,
    @JsonPropertyDescription("The newest good image, as repository@digest.") @Nullable String image,
    @JsonPropertyDescription("The hash of the inputs of the newest accepted run.")
        @Nullable String inputsHash,
    @JsonPropertyDescription(
            "The value of the annotation kiln.build/rebuild that was handled last.")
        @Nullable String lastHandledRebuild,
    @JsonPropertyDescription("Runs, newest first.") @Nullable List<Run> runs,
    @JsonPropertyDescription("Ready, Reconciling, Stalled.") @Nullable List<Condition> conditions) {

  /** Where a run stands. */
  public enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed
  }

  /** One run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Run(
      @JsonPropertyDescription("Counted from 1.") long number,
      @JsonPropertyDescription("What started it.") @Nullable Cause cause,
      @JsonPropertyDescription("The hash of its inputs.") @Nullable String inputsHash,
      @JsonPropertyDescription("The source's revision, such as a commit.")
          @Nullable String revision,
      @JsonPropertyDescription("Where it stands.") Phase phase,
      @JsonPropertyDescription("When it was accepted.") @Nullable String startTime,
      @JsonPropertyDescription("When it ended.") @Nullable String completionTime,
      @JsonPropertyDescription("One entry a platform.") @Nullable List<PlatformRun> platforms,
      @JsonPropertyDescription("What it does at present.") @Nullable Progress progress,
      @JsonPropertyDescription("Its steps; of the newest run only, at most 50.")
          @Nullable List<Step> steps,
      @JsonPropertyDescription("Why it failed.") @Nullable Failure failure) {}

  /** What started a run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Cause(
      @JsonPropertyDescription("Created, SpecChanged, SourceChanged or Rebuild.") String type,
      @JsonPropertyDescription("The value before.") @Nullable String from,
      @JsonPropertyDescription("The value after.") @Nullable String to) {}

  /** One platform's part of a run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record PlatformRun(
      @JsonPropertyDescription("Such as linux/amd64.") @Nullable String platform,
      @JsonPropertyDescription("The Job.") @Nullable String job,
      @JsonPropertyDescription("The manifest's digest.") @Nullable String digest,
      @JsonPropertyDescription("How RUN steps were isolated.") @Nullable IsolationReport isolation,
      @JsonPropertyDescription("Bytes pulled from registries.") @Nullable Long pulledBytes,
      @JsonPropertyDescription("Bytes pushed to registries.") @Nullable Long pushedBytes) {}

  /** The isolation that was asked for and what it came to. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record IsolationReport(
      @JsonPropertyDescription("As the spec says.") Isolation requested,
      @JsonPropertyDescription("What the builder got; never Auto.") @Nullable Isolation achieved,
      @JsonPropertyDescription("How, and why not stronger.") @Nullable String detail) {}

  /** What a run does at present. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Progress(
      @JsonPropertyDescription("The step, counted from 1.") int step,
      @JsonPropertyDescription("How many steps there are.") int of,
      @JsonPropertyDescription("The step's instruction, shortened.")
          @Nullable String instruction) {}

  /** How the cache answered for a step. */
  public enum CacheResult {
    Hit,
    Miss
  }

  /** One step's result. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Step(
      @JsonPropertyDescription("The instruction, shortened.") String instruction,
      @JsonPropertyDescription("Whether the cache had it.") @Nullable CacheResult cache,
      @JsonPropertyDescription("Why not.") @Nullable String missReason,
      @JsonPropertyDescription("How long it took.") @Nullable String duration,
      @JsonPropertyDescription("The layer's digest.") @Nullable String digest,
      @JsonPropertyDescription("The layer's compressed size in bytes.") @Nullable Long size) {}

  /** Why a run failed. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Failure(
      @JsonPropertyDescription("The reason.") FailureReason reason,
      @JsonPropertyDescription("The step that failed.") @Nullable String step,
      @JsonPropertyDescription("RUN's exit code.") @Nullable Integer exitCode,
      @JsonPropertyDescription("What happened, where, and what to do.") @Nullable String message,
      @JsonPropertyDescription("The last lines of the step's output.") @Nullable String logTail) {}
}
