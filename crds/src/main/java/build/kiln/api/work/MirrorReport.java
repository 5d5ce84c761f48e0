package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

/** The whole report of a mirror's run, the last framed record on stdout. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record MirrorReport(
    MirrorOutcome outcome,
    /** What failed, then what was copied or deleted; at most 50. */
    List<Image> images,
    /** The process's peak resident memory in bytes, 0 if unknown. */
    long peakMemory) {}
