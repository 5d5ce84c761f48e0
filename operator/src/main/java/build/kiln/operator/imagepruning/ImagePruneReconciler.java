package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.work.PruneReport;
import build.kiln.operator.job.Limits;
import build.kiln.operator.scheduled.ScheduledReconciler;
import build.kiln.operator.settings.Settings;
import io.javaoperatorsdk.operator.api.config.ControllerConfigurationOverrider;
import java.util.Optional;
import java.util.Set;

/** Carries out ImagePrunePolicies, whenever it is time. */
public final class ImagePruneReconciler
    extends ScheduledReconciler<ImagePrunePolicy, ImagePrunePolicyStatus, PruneReport> {
  /** They read all of the cluster and of registries; more at once help nobody. */
  private static final Limits TWO = new Limits(2, 2);

  private final String namespace;

  /**
   * @param prune where its pods run, and as whom
   */
  public ImagePruneReconciler(Parts parts, Settings.Prune prune) {
    super(
        new PolicyKind(
            parts.settings(),
            prune,
            new JobSweep(parts),
            Optional.ofNullable(parts.settings().nodes())
                .map(nodes -> new NodeSweep(parts, nodes))),
        TWO,
        parts);
    this.namespace = prune.namespace();
  }

  /** How the controller runs: policies are the cluster's, whatever namespaces are watched. */
  public void configure(ControllerConfigurationOverrider<ImagePrunePolicy> controller) {
    configure(controller, Set.of());
  }

  @Override
  protected String namespaceOfJobs() {
    return namespace;
  }
}
