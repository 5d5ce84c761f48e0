package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.operator.job.Orders;
import java.util.Optional;

/** The work orders of builds. */
final class BuildOrders {
  private BuildOrders() {}

  /**
   * The order of a Job.
   *
   * @param certificates whether the order's ConfigMap has trusted certificates
   */
  static WorkOrder of(JobTemplate job, boolean certificates, String nonce) {
    var tags =
        job.build().getSpec().output().tags().stream()
            .map(tag -> tag.replace("{{run}}", String.valueOf(job.run())))
            .toList();
    return new WorkOrder(
        asApplied(job.build()),
        new WorkOrder.Resolved(
            job.run(),
            job.attempt(),
            null,
            job.arguments().isEmpty() ? null : job.arguments(),
            tags,
            job.tier(),
            nonce),
        Orders.settings(job.settings(), job.build().getMetadata().getNamespace(), certificates));
  }

  /** The nonce in an order's JSON; empty if it is no order of a build. */
  static Optional<String> nonce(String order) {
    try {
      return Optional.of(Records.readOrder(order).resolved().nonce());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** The resource without status and without what the API server keeps in its metadata. */
  private static ImageBuild asApplied(ImageBuild build) {
    var clean = new ImageBuild();
    clean.setMetadata(Orders.asApplied(build));
    clean.setSpec(build.getSpec());
    return clean;
  }
}
