package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The whole report of one attempt, the last framed record on the builder's stdout. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Report(
    Outcome outcome,
    @Nullable String platform,
    @Nullable String revision,
    List<Step> steps,
    /** Milliseconds by phase: jvm, source, base, steps, push. */
    Map<String, Long> timings,
    /** The builder's peak resident memory in bytes, 0 if unknown. */
    long peakMemory) {}
