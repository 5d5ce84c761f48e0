package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.Pod;

/** Whether the cluster would take a pod, without making it. */
@FunctionalInterface
public interface Admission {
  /** Admits every pod: for API servers that know no dry run. */
  static Admission ofEverything() {
    return pod -> new Admitted();
  }

  /**
   * Asks for a pod.
   *
   * @throws io.fabric8.kubernetes.client.KubernetesClientException if the question cannot be put
   */
  Verdict of(Pod pod);

  /** The answer. */
  sealed interface Verdict {}

  /** It would be taken. */
  record Admitted() implements Verdict {}

  /**
   * It would not.
   *
   * @param words of whoever refuses
   */
  record Refused(String words) implements Verdict {}
}
