package build.kiln.operator.imagebuild;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Set;

/**
 * Asks by a server-side dry run: Pod Security, policies and webhooks answer as they would for the
 * pod itself.
 */
public final class DryRunAdmission implements Admission {
  /** Bad request, forbidden, invalid: the pod's fault. Any other code is the server's. */
  private static final Set<Integer> REFUSALS = Set.of(400, 403, 422);

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
      var words =
          e.getStatus() != null && e.getStatus().getMessage() != null
              ? e.getStatus().getMessage()
              : String.valueOf(e.getMessage());
      // A quota is no judgement of the pod's shape; the Job waits for room by itself.
      if (words.contains("exceeded quota")) {
        return new Admitted();
      }
      if (!REFUSALS.contains(e.getCode()) || words.contains("cannot create resource \"pods\"")) {
        throw e;
      }
      return new Refused(words);
    }
  }
}
