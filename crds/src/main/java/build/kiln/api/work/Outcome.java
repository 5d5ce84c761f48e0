package build.kiln.api.work;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/** The termination message of a builder: the outcome in under 4 KiB of JSON. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Outcome(
    boolean succeeded,
    /** Set when it failed. */
    @Nullable FailureReason reason,
    @Nullable String message,
    /** The instruction of the failing step. */
    @Nullable String step,
    @Nullable Integer stepExitCode,
    /** The last lines of the failing step's output. */
    @Nullable String logTail,
    /** repository@digest when it succeeded. */
    @Nullable String image,
    @Nullable String digest,
    int steps,
    int cached,
    @Nullable IsolationReport isolation,
    long pulledBytes,
    long pushedBytes) {}
