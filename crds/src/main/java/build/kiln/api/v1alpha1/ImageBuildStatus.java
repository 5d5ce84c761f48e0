package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What Kiln did; under 8 KiB as a whole ({@link StatusSize}). Times are RFC 3339 in UTC, durations
 * as in "1m12.3s".
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ImageBuildStatus(
    @JsonPropertyDescription("The generation of the spec that this status speaks of.")
        @Nullable Long observedGeneration,
    @Size(max = 512) @JsonPropertyDescription("The newest good image, as repository@digest.")
        @Nullable String image,
    @Size(max = 128) @JsonPropertyDescription("The hash of the inputs of the newest accepted run.")
        @Nullable String inputsHash,
    @Size(max = 1024)
        @JsonPropertyDescription(
            "The value of the annotation kiln.build/rebuild that was handled last; of one of more than 128 characters, sha256: and its hash.")
        @Nullable String lastHandledRebuild,
    @Min(1)
        @JsonPropertyDescription(
            "The place in the queue, from 1, while the newest run waits for its turn.")
        @Nullable Integer queuePosition,
    @Size(max = 32) @JsonPropertyDescription("The step that the newest run is at, such as 3/6.")
        @Nullable String step,
    @Size(max = 32) @JsonPropertyDescription("Runs, newest first.") @Nullable List<Run> runs,
    @Size(max = 8) @JsonPropertyDescription("Ready, Reconciling, Stalled.")
        @Nullable List<Condition> conditions) {

  /** The status of a resource that was never looked at. */
  public static final ImageBuildStatus NONE =
      new ImageBuildStatus(null, null, null, null, null, null, null, null);

  /** The runs, newest first; none if the status has none. */
  public List<Run> allRuns() {
    return runs == null ? List.of() : runs;
  }

  /** The newest run. */
  public Optional<Run> newestRun() {
    return allRuns().stream().findFirst();
  }

  /** The condition of a type. */
  public Optional<Condition> condition(String type) {
    return Optional.ofNullable(conditions).stream()
        .flatMap(List::stream)
        .filter(condition -> Objects.equals(condition.getType(), type))
        .findFirst();
  }

  /** Where a run stands. */
  public enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed;

    /** Whether nothing more happens in this run. */
    public boolean finished() {
      return this == Succeeded || this == Failed;
    }
  }

  /** One run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Run(
      @Required @Min(1) @JsonPropertyDescription("Counted from 1.") long number,
      @JsonPropertyDescription("What started it.") @Nullable Cause cause,
      @Size(max = 128) @JsonPropertyDescription("The hash of its inputs.")
          @Nullable String inputsHash,
      @Size(max = 128)
          @JsonPropertyDescription(
              "The hash of what shapes its pod: podTemplate, workspace, timeout, retries.")
          @Nullable String podHash,
      @Size(max = 128) @JsonPropertyDescription("The source's revision, such as a commit.")
          @Nullable String revision,
      @Required @JsonPropertyDescription("Where it stands.") Phase phase,
      @Size(max = 64) @JsonPropertyDescription("When it was accepted.") @Nullable String startTime,
      @Size(max = 64) @JsonPropertyDescription("When it ended.") @Nullable String completionTime,
      @Size(max = 16) @JsonPropertyDescription("One entry a platform.")
          @Nullable List<PlatformRun> platforms,
      @JsonPropertyDescription("What it does at present.") @Nullable Progress progress,
      @Size(max = 50)
          @JsonPropertyDescription(
              "Its steps; of the newest run only, and at most the last 50 of them.")
          @Nullable List<Step> steps,
      @JsonPropertyDescription("Why it failed.") @Nullable Failure failure) {

    /** A phase that only another release knows is taken for the nearest one here. */
    public Run {
      phase =
          Objects.requireNonNullElse(phase, completionTime == null ? Phase.Running : Phase.Failed);
    }

    /** The entry of the only platform so far. */
    public Optional<PlatformRun> platform() {
      return Optional.ofNullable(platforms).stream().flatMap(List::stream).findFirst();
    }
  }

  /** What started a run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Cause(
      @Size(max = 32)
          @JsonPropertyDescription(
              "Created, SpecChanged, ArgumentChanged, PodChanged, Rebuild or Retry.")
          String type,
      @Size(max = 1024) @JsonPropertyDescription("The value before.") @Nullable String from,
      @Size(max = 1024) @JsonPropertyDescription("The value after.") @Nullable String to) {}

  /** One platform's part of a run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record PlatformRun(
      @Size(max = 64) @JsonPropertyDescription("Such as linux/amd64.") @Nullable String platform,
      @Size(max = 63) @JsonPropertyDescription("The Job.") @Nullable String job,
      @Size(max = 160) @JsonPropertyDescription("The manifest's digest.") @Nullable String digest,
      @JsonPropertyDescription("How RUN steps were isolated.") @Nullable IsolationReport isolation,
      @JsonPropertyDescription("Bytes pulled from registries.") @Nullable Long pulledBytes,
      @JsonPropertyDescription("Bytes pushed to registries.") @Nullable Long pushedBytes) {}

  /** The isolation that was asked for and what it came to. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record IsolationReport(
      @JsonPropertyDescription("As the spec says.") @Nullable Isolation requested,
      @JsonPropertyDescription("What the builder got; never Auto.") @Nullable Isolation achieved,
      @Size(max = 1024) @JsonPropertyDescription("How, and why not stronger.")
          @Nullable String detail) {}

  /** What a run does at present. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Progress(
      @JsonPropertyDescription("The step, counted from 1.") int step,
      @JsonPropertyDescription("How many steps there are.") int of,
      @Size(max = 512) @JsonPropertyDescription("The step's instruction, shortened.")
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
      @Size(max = 512) @JsonPropertyDescription("The instruction, shortened.") String instruction,
      @JsonPropertyDescription("Whether the cache had it.") @Nullable CacheResult cache,
      @Size(max = 512) @JsonPropertyDescription("Why not.") @Nullable String missReason,
      @Size(max = 32) @JsonPropertyDescription("How long it took.") @Nullable String duration,
      @Size(max = 160) @JsonPropertyDescription("The layer's digest.") @Nullable String digest,
      @JsonPropertyDescription("The layer's compressed size in bytes.") @Nullable Long size) {}

  /**
   * Why a run failed.
   *
   * @param reason null if only another release knows it
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Failure(
      @JsonPropertyDescription("The reason.") @Nullable FailureReason reason,
      @Size(max = 512) @JsonPropertyDescription("The step that failed.") @Nullable String step,
      @JsonPropertyDescription("RUN's exit code.") @Nullable Integer exitCode,
      @Size(max = 4096) @JsonPropertyDescription("What happened, where, and what to do.")
          @Nullable String message,
      @Size(max = 4096) @JsonPropertyDescription("The last lines of the step's output.")
          @Nullable String logTail) {}
}
