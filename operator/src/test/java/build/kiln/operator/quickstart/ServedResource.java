package build.kiln.operator.quickstart;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.client.dsl.base.CustomResourceDefinitionContext;
import java.util.List;
import java.util.Map;

/**
 * A kind of resource that {@link Discovery} tells clients about.
 *
 * @param group the API group, empty for the core group
 */
record ServedResource(
    String group,
    String version,
    String kind,
    String plural,
    boolean namespaced,
    List<String> shortNames) {

  private static final List<String> VERBS =
      List.of("create", "delete", "get", "list", "patch", "update", "watch");

  ServedResource {
    shortNames = List.copyOf(shortNames);
  }

  /** What the quickstart's operator works with. */
  static List<ServedResource> all() {
    var imageBuild = CustomResourceDefinitionContext.fromCustomResourceType(ImageBuild.class);
    return List.of(
        core("Namespace", "namespaces", false, "ns"),
        core("Pod", "pods", true, "po"),
        core("ConfigMap", "configmaps", true, "cm"),
        core("Secret", "secrets", true),
        core("Event", "events", true, "ev"),
        core("ServiceAccount", "serviceaccounts", true, "sa"),
        new ServedResource("batch", "v1", "Job", "jobs", true, List.of()),
        new ServedResource("coordination.k8s.io", "v1", "Lease", "leases", true, List.of()),
        new ServedResource(
            imageBuild.getGroup(),
            imageBuild.getVersion(),
            imageBuild.getKind(),
            imageBuild.getPlural(),
            true,
            List.of("kbuild")));
  }

  private static ServedResource core(
      String kind, String plural, boolean namespaced, String... shortNames) {
    return new ServedResource("", "v1", kind, plural, namespaced, List.of(shortNames));
  }

  /** The group and version as {@code apiVersion} has it. */
  String groupVersion() {
    return group.isEmpty() ? version : group + "/" + version;
  }

  /** The path that lists this resource's group and version. */
  String listPath() {
    return (group.isEmpty() ? "/api/" : "/apis/") + groupVersion();
  }

  /** An entry of an {@code APIResourceList}. */
  Map<String, Object> toDiscovery() {
    return Map.of(
        "name", plural,
        "singularName", kind.toLowerCase(java.util.Locale.ROOT),
        "namespaced", namespaced,
        "kind", kind,
        "shortNames", shortNames,
        "verbs", VERBS);
  }
}
