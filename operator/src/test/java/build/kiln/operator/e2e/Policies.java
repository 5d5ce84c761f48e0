package build.kiln.operator.e2e;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import org.awaitility.Awaitility;

/** Admission policies of a test's namespace. */
final class Policies {
  private Policies() {}

  /**
   * Refuses pods of a namespace for which a CEL expression is false; returns when it is in force.
   */
  static void deny(
      Cluster cluster, TestNamespace namespace, String name, String unless, String message) {
    var policy = namespace.name() + "-" + name;
    cluster.apply(
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: %1$s}
        spec:
          failurePolicy: Fail
          matchConstraints:
            resourceRules:
            - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
            namespaceSelector:
              matchLabels: {kubernetes.io/metadata.name: %2$s}
          validations:
          - expression: "%3$s"
            message: "%4$s"
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: %1$s}
        spec: {policyName: %1$s, validationActions: [Deny]}
        """
            .formatted(policy, namespace.name(), unless, message));
    awaitPodsAllowed(cluster, namespace, false);
  }

  /** Lifts a policy. */
  static void lift(Cluster cluster, TestNamespace namespace, String name) {
    cluster
        .kubectl()
        .ok(
            "delete",
            "validatingadmissionpolicy,validatingadmissionpolicybinding",
            namespace.name() + "-" + name);
    awaitPodsAllowed(cluster, namespace, true);
  }

  /** Skips a test where Kubernetes has no policies that change what they admit: before 1.36. */
  static void assumeTheyMayChangePods(Cluster cluster) {
    var served = cluster.kubectl().ok("get", "--raw", "/apis/admissionregistration.k8s.io/v1");
    assumeTrue(
        served.contains("\"mutatingadmissionpolicies\""),
        "needs MutatingAdmissionPolicy of admissionregistration.k8s.io/v1 (Kubernetes 1.36)");
  }

  /** Gives the pods of a namespace another image; returns when it is in force. */
  static void replaceImages(Cluster cluster, TestNamespace namespace, String name, String image) {
    cluster.apply(
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicy
        metadata: {name: %1$s}
        spec:
          failurePolicy: Fail
          reinvocationPolicy: Never
          matchConstraints:
            resourceRules:
            - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
            namespaceSelector:
              matchLabels: {kubernetes.io/metadata.name: %2$s}
          mutations:
          - patchType: JSONPatch
            jsonPatch:
              expression: '[JSONPatch{op: "replace", path: "/spec/containers/0/image", value: "%3$s"}]'
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicyBinding
        metadata: {name: %1$s}
        spec: {policyName: %1$s}
        """
            .formatted(namespace.name() + "-" + name, namespace.name(), image));
    Awaitility.await("pods get the image " + image)
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                namespace.kubectl(
                    "run",
                    "probe",
                    "--image=x",
                    "--dry-run=server",
                    "-o",
                    "jsonpath={.spec.containers[0].image}"),
            image::equals);
  }

  /** The end of {@link #replaceImages}. */
  static void keepImages(Cluster cluster, TestNamespace namespace, String name) {
    cluster
        .kubectl()
        .ok(
            "delete",
            "mutatingadmissionpolicy,mutatingadmissionpolicybinding",
            namespace.name() + "-" + name);
  }

  /** The API server takes a moment to learn of a policy, and of its end. */
  private static void awaitPodsAllowed(Cluster cluster, TestNamespace namespace, boolean allowed) {
    Awaitility.await("pods are " + (allowed ? "admitted" : "refused"))
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                cluster
                        .kubectl()
                        .run(
                            "-n", namespace.name(), "run", "probe", "--image=x", "--dry-run=server")
                        .succeeded()
                    == allowed);
  }
}
