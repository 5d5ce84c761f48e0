package build.kiln.operator.imagepruning;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Deletion;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Labels;
import build.kiln.operator.testkit.ApiCluster;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** The operator with ImagePrunePolicies, whose Jobs run in the namespace that the kit looks at. */
final class PolicyCluster extends ApiCluster {
  static final String REGISTRIES =
      "registries: [{repositories: [r.io/a], untagged: {olderThan: 24h}}]\n";

  PolicyCluster() {
    super("prune: {namespace: %s, serviceAccount: kiln-prune}\n".formatted(NAMESPACE));
  }

  /** Creates or changes a policy of this spec in YAML; the cluster's, without a namespace. */
  void apply(String name, String spec) {
    ImagePrunePolicy wanted =
        Serialization.unmarshal(
            """
            apiVersion: kiln.build/v1alpha1
            kind: ImagePrunePolicy
            metadata: {name: %s, uid: uid-%s, generation: 1}
            spec:
            """
                    .formatted(name, name)
                + (spec.contains("builds:") ? spec : REGISTRIES + spec).indent(2),
            ImagePrunePolicy.class);
    if (client().resources(ImagePrunePolicy.class).withName(name).get() == null) {
      client().resource(wanted).create();
      return;
    }
    edit(
        name,
        policy -> {
          policy.setSpec(wanted.getSpec());
          policy.getMetadata().setGeneration(policy.getMetadata().getGeneration() + 1);
          return policy;
        });
  }

  void annotate(String name, String annotation, String value) {
    edit(
        name,
        policy -> {
          var all = new HashMap<String, String>();
          if (policy.getMetadata().getAnnotations() != null) {
            all.putAll(policy.getMetadata().getAnnotations());
          }
          all.put(annotation, value);
          policy.getMetadata().setAnnotations(all);
          return policy;
        });
  }

  /** Changes a resource as kubectl does: again if the operator wrote in between. */
  private void edit(String name, UnaryOperator<ImagePrunePolicy> change) {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreException(KubernetesClientException.class)
        .until(
            () -> client().resources(ImagePrunePolicy.class).withName(name).edit(change) != null);
  }

  ImagePrunePolicy get(String name) {
    return requireNonNull(client().resources(ImagePrunePolicy.class).withName(name).get());
  }

  ImagePrunePolicyStatus status(String name) {
    return Optional.ofNullable(get(name).getStatus()).orElse(ImagePrunePolicyStatus.NONE);
  }

  static ScheduledRun run(ImagePrunePolicyStatus status) {
    return requireNonNull(status.run(), "no run yet");
  }

  ImagePrunePolicyStatus await(String name, String wish, Predicate<ImagePrunePolicyStatus> wished) {
    try {
      return Awaitility.await(name + " " + wish)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> status(name), wished);
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "%s: not %s; it is%n%s".formatted(name, wish, Serialization.asYaml(status(name))), e);
    }
  }

  /** Waits for Ready to be of a status and a reason. */
  ImagePrunePolicyStatus awaitReady(String name, String status, String reason) {
    return await(
        name,
        "Ready=%s, %s".formatted(status, reason),
        now ->
            Conditions.find(now.conditions(), "Ready")
                .filter(ready -> ready.getStatus().equals(status))
                .filter(ready -> ready.getReason().equals(reason))
                .isPresent());
  }

  /** Waits for the Job of a run. */
  Job awaitJob(String name, long run) {
    var uid = get(name).getMetadata().getUid();
    return Awaitility.await("a Job of run %d of %s".formatted(run, name))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                jobs().stream()
                    .filter(job -> uid.equals(Labels.label(job, Labels.UID)))
                    .filter(job -> Labels.number(job, Labels.RUN) == run)
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  PruneOrder order(Job job) {
    var map =
        client().configMaps().inNamespace(NAMESPACE).withName(job.getMetadata().getName()).get();
    return Records.readPruneOrder(requireNonNull(map.getData().get("order.json")));
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
            1);
    logs.put(pod.getMetadata().getName(), Records.report(order(job).nonce(), report) + "\n");
    podIs(pod, ended(exit, "Error", Records.outcome(outcome)));
    jobEnds(job, exit == 0 ? "Complete" : "Failed", exit == 0 ? null : "PodFailurePolicy");
    return await(
        name,
        "run %d is done".formatted(number),
        status -> status.run() != null && run(status).number() == number && run(status).finished());
  }
}
