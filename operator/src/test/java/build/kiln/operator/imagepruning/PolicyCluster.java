package build.kiln.operator.imagepruning;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Deletion;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.operator.testkit.ResourceCluster;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;

/** The operator with ImagePrunePolicies, whose Jobs run in the namespace that the kit looks at. */
final class PolicyCluster
    extends ResourceCluster<ImagePrunePolicy, ImagePrunePolicySpec, ImagePrunePolicyStatus> {
  static final String REGISTRIES =
      "registries: [{repositories: [r.io/a], untagged: {olderThan: 24h}}]\n";

  PolicyCluster() {
    this("");
  }

  /**
   * @param more settings, as YAML
   */
  PolicyCluster(String more) {
    super(
        "prune: {namespace: %s, serviceAccount: kiln-prune}\n".formatted(NAMESPACE) + more,
        ImagePrunePolicy.class,
        ImagePrunePolicyStatus.NONE,
        ImagePrunePolicyStatus::conditions);
  }

  /** Creates or changes a policy of this spec in YAML; the cluster's, without a namespace. */
  void apply(String name, String spec) {
    apply(
        Serialization.unmarshal(
            """
            apiVersion: kiln.build/v1alpha1
            kind: ImagePrunePolicy
            metadata: {name: %s, uid: uid-%s, generation: 1}
            spec:
            """
                    .formatted(name, name)
                + (spec.contains("builds:") || spec.contains("nodes:") ? spec : REGISTRIES + spec)
                    .indent(2),
            ImagePrunePolicy.class));
  }

  static ScheduledRun run(ImagePrunePolicyStatus status) {
    return requireNonNull(status.run(), "no run yet");
  }

  PruneOrder order(Job job) {
    return Records.readPruneOrder(orderText(job));
  }

  /** A run to its end. */
  ImagePrunePolicyStatus ends(String name, long number, int exit, PruneOutcome outcome) {
    var job = awaitJob(name, number);
    var pod = runs(job);
    var report =
        new PruneReport(
            outcome,
            List.of(new Kept("IN_USE", 7)),
            List.of(
                new Deletion(
                    "r.io/a:1", ImagePrunePolicyStatus.Result.Deleted, "RULE", "registries[0]")),
            "kubectl get ...",
            List.of(
                new ImagePrunePolicyStatus.Warning(
                    "ReferencesUnparsable", "Pod shop/web: \"r.io/A:1:2\"")),
            1);
    logs.put(pod.getMetadata().getName(), Records.report(order(job).nonce(), report) + "\n");
    ends(job, pod, exit, Records.outcome(outcome));
    return await(
        name,
        "run %d is done".formatted(number),
        status -> status.run() != null && run(status).number() == number && run(status).finished());
  }
}
