package build.kiln.api.work;

import build.kiln.api.v1alpha1.MirrorFailureReason;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/** The termination message of a mirror's pod: what the run came to, in under 4 KiB of JSON. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record MirrorOutcome(
    boolean succeeded,
    /** Set when it failed. */
    @Nullable MirrorFailureReason reason,
    @Nullable String message,
    /** Whether the next run may do it with nothing changed. */
    boolean retryable,
    int observed,
    int copied,
    int upToDate,
    int deleted,
    int failed,
    long copiedBytes,
    long mountedBytes) {}
