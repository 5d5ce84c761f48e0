package build.kiln.api.v1alpha1;

import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The newest run of a resource that runs on a schedule. Times are RFC 3339 in UTC. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ScheduledRun(
    @Required @Min(1) @JsonPropertyDescription("Counted from 1.") long number,
    @JsonPropertyDescription("What started it.") @Nullable Cause cause,
    @Size(max = 128) @JsonPropertyDescription("The hash of what the spec asks for.")
        @Nullable String specHash,
    @Size(max = 128) @JsonPropertyDescription("The hash of what shapes its pod.")
        @Nullable String podHash,
    @Size(max = 128) @JsonPropertyDescription("The hash of the versions of its Secrets.")
        @Nullable String secretsHash,
    @Required @JsonPropertyDescription("Where it stands.") Phase phase,
    @Size(max = 64) @JsonPropertyDescription("When it was accepted.") @Nullable String startTime,
    @Size(max = 64) @JsonPropertyDescription("When it ended.") @Nullable String completionTime,
    @Size(max = 63) @JsonPropertyDescription("Its Job.") @Nullable String job,
    @Min(1)
        @JsonPropertyDescription(
            "Which one in a row it is that was started since the one before had failed for a reason that may pass.")
        @Nullable Integer retry,
    @Size(max = 64)
        @JsonPropertyDescription(
            "When it is followed by another, since it failed for a reason that may pass.")
        @Nullable String retryTime,
    @Size(max = 64) @JsonPropertyDescription("Succeeded, or why it failed.")
        @Nullable String reason,
    @Size(max = 1024) @JsonPropertyDescription("What it came to, and what to do.")
        @Nullable String message) {

  /** A phase that only another release knows is taken for the nearest one here. */
  public ScheduledRun {
    phase =
        Objects.requireNonNullElse(phase, completionTime == null ? Phase.Running : Phase.Failed);
  }

  /** What starts a run. */
  public enum Cause {
    /** There was none before. */
    Created,
    /** The spec asks for something else. */
    SpecChanged,
    /** The run before failed, and the pod is to be another. */
    PodChanged,
    /** The run before failed, and a Secret has changed since. */
    SecretChanged,
    /** The annotation has a new value. */
    Requested,
    /** It is time, by the schedule. */
    Schedule,
    /** It is time, by the interval. */
    Interval,
    /** The run before failed for a reason that may pass. */
    Retry
  }

  /** Whether nothing more happens in this run. */
  public boolean finished() {
    return phase.finished();
  }
}
