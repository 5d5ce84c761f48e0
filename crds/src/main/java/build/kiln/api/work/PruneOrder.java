package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * All that one run of an ImagePrunePolicy needs to know; beside {@link WorkOrder}, which is of
 * builds, a kind of its own in the same version.
 *
 * @param resource as applied
 * @param run counted from 1
 * @param approved the hash of the plan that a person allowed beyond the limits; null if none
 * @param nonce frames the report on stdout
 * @param settings what the installation decides; its {@code mirrors} are other names of what nodes
 *     pull
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PruneOrder(
    String apiVersion,
    String kind,
    ImagePrunePolicy resource,
    long run,
    @Nullable String approved,
    String nonce,
    WorkOrder.Settings settings) {
  public static final String KIND = "PruneOrder";

  public PruneOrder(
      ImagePrunePolicy resource,
      long run,
      @Nullable String approved,
      String nonce,
      WorkOrder.Settings settings) {
    this(WorkOrder.API_VERSION, KIND, resource, run, approved, nonce, settings);
  }
}
