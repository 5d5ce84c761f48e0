package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;

/**
 * Asks by a server-side dry run: Pod Security, policies and webhooks answer as they would for the
 * pod itself.
 */
public final class DryRunAdmission implements Admission {
  private final KubernetesClient client;

  public DryRunAdmission(KubernetesClient client) {
    this.client = client;
  }

  @Override
  public Verdict of(Pod pod) {
    try {
      client.pods().inNamespace(pod.getMetadata().getNamespace()).resource(pod).dryRun().create();
      return new Admitted();
    } catch (KubernetesClientException e) {
      var refusal = Refusal.of(e).orElseThrow(() -> e);
      // A quota is no judgement of the pod's shape; the Job waits for room by itself.
      return refusal.byQuota() ? new Admitted() : new Refused(refusal.words());
    }
  }
}
