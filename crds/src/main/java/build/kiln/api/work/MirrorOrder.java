package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImageMirror;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * All that one run of an ImageMirror needs to know; beside {@link WorkOrder}, which is of builds, a
 * kind of its own in the same version.
 *
 * @param resource as applied
 * @param run counted from 1
 * @param nonce frames the report on stdout
 * @param settings what the installation decides; {@code allowedOutputs} are the destinations
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record MirrorOrder(
    String apiVersion,
    String kind,
    ImageMirror resource,
    long run,
    String nonce,
    WorkOrder.Settings settings) {
  public static final String KIND = "MirrorOrder";

  public MirrorOrder(ImageMirror resource, long run, String nonce, WorkOrder.Settings settings) {
    this(WorkOrder.API_VERSION, KIND, resource, run, nonce, settings);
  }
}
