package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.InUse.Unparsable;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads what Kubernetes objects refer to, from their JSON: a pure function, of lists too.
 *
 * <p>Every pod specification is read wherever an object has one: of pods, of the templates of
 * Deployments, StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Jobs, CronJobs and
 * PodTemplates, whatever their number of replicas, and of the data of ControllerRevisions. In it
 * all kinds of containers and image volumes count, and of a pod's status the images that its
 * containers run. Of other kinds what the policy's JSONPaths name counts.
 */
public final class KubernetesUses {
  /** Names of images in a container runtime's words, such as {@code docker-pullable://}. */
  private static final Pattern SCHEME = Pattern.compile("^[a-z-]+://");

  private static final Pattern BARE_DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  /** Where a pod specification stands, by the object's kind. */
  private static final Map<String, List<String>> POD_SPECS =
      Map.of(
          "Pod", List.of("/spec"),
          "Deployment", List.of("/spec/template/spec"),
          "ReplicaSet", List.of("/spec/template/spec"),
          "ReplicationController", List.of("/spec/template/spec"),
          "StatefulSet", List.of("/spec/template/spec"),
          "DaemonSet", List.of("/spec/template/spec"),
          "Job", List.of("/spec/template/spec"),
          "CronJob", List.of("/spec/jobTemplate/spec/template/spec"),
          "PodTemplate", List.of("/template/spec"),
          "ControllerRevision", List.of("/data/spec/template/spec", "/data/spec"));

  private static final List<String> CONTAINERS =
      List.of("initContainers", "containers", "ephemeralContainers");

  private static final List<String> STATUSES =
      List.of("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses");

  /**
   * Where objects of another kind name images.
   *
   * @param apiVersion such as {@code serving.knative.dev/v1}
   */
  public record Source(String apiVersion, String kind, JsonPath path) {}

  private final List<Source> sources;
  private final List<Use> uses = new ArrayList<>();
  private final Set<Unparsable> unparsable = new LinkedHashSet<>();
  private final List<Busy> busy = new ArrayList<>();

  private KubernetesUses(List<Source> sources) {
    this.sources = sources;
  }

  /**
   * What objects refer to.
   *
   * @param objects each an object, or a list as {@code kubectl get -o json} writes it
   */
  public static InUse of(Iterable<JsonNode> objects, List<Source> sources) {
    var reader = new KubernetesUses(sources);
    objects.forEach(object -> reader.read(object, ""));
    return new InUse(
        reader.uses, List.copyOf(reader.unparsable), reader.busy, List.of(), List.of(), List.of());
  }

  /**
   * @param listed the kind of a list's items, which the API server leaves out of them
   */
  private void read(JsonNode object, String listed) {
    String kind = object.path("kind").asText(listed);
    if (object.path("items").isArray()) {
      String of = kind.endsWith("List") ? kind.substring(0, kind.length() - 4) : "";
      object.path("items").forEach(item -> read(item, of));
      return;
    }
    String by = name(object, kind);
    if (object.path("apiVersion").asText("").startsWith("kiln.build/")) {
      kiln(object, kind, by);
    }
    for (String pointer : POD_SPECS.getOrDefault(kind, List.of())) {
      podSpec(object.at(pointer), by);
    }
    if (kind.equals("Pod")) {
      podStatus(object.path("status"), by);
    }
    for (Source source : sources) {
      if (source.kind.equals(kind)
          && source.apiVersion.equals(object.path("apiVersion").asText(source.apiVersion))) {
        source.path.values(object).forEach(value -> add(value.asText(), by));
      }
    }
  }

  private static String name(JsonNode object, String kind) {
    JsonNode metadata = object.path("metadata");
    String namespace = metadata.path("namespace").asText("");
    return kind
        + " "
        + (namespace.isEmpty() ? "" : namespace + "/")
        + metadata.path("name").asText("?");
  }

  private void podSpec(JsonNode spec, String by) {
    for (String containers : CONTAINERS) {
      spec.path(containers).forEach(container -> add(container.path("image"), by));
    }
    spec.path("volumes").forEach(volume -> add(volume.path("image").path("reference"), by));
  }

  private void podStatus(JsonNode status, String by) {
    for (String statuses : STATUSES) {
      for (JsonNode container : status.path(statuses)) {
        add(container.path("image"), by);
        add(container.path("imageID"), by);
      }
    }
  }

  private void add(JsonNode value, String by) {
    if (value.isTextual()) {
      add(value.asText(), by);
    }
  }

  private void add(String text, String by) {
    String image = SCHEME.matcher(text.strip()).replaceFirst("");
    if (image.isEmpty()) {
      return;
    }
    try {
      uses.add(
          BARE_DIGEST.matcher(image).matches()
              ? Use.ofDigest(Digest.parse(image), by)
              : Use.of(Reference.parse(image), by));
    } catch (OciException e) {
      unparsable.add(new Unparsable(text, by));
    }
  }

  /** What builds and mirrors need, and what they write to now. */
  private void kiln(JsonNode object, String kind, String by) {
    JsonNode spec = object.path("spec");
    boolean runs = runs(object);
    switch (kind) {
      case "ImageBuild" -> {
        String image = spec.path("output").path("image").asText("");
        add(object.path("status").path("image"), by);
        spec.path("output")
            .path("tags")
            .forEach(
                tag -> {
                  if (!tag.asText().contains("{{")) {
                    add(image + ":" + tag.asText(), by);
                  }
                });
        spec.path("contexts").forEach(context -> add(context.path("image").path("image"), by));
        if (runs) {
          busy(image, by);
          busy(spec.path("cache").path("registry").path("repository").asText(""), by);
        }
      }
      case "ImageMirror" -> {
        JsonNode destination = spec.path("destination");
        if (runs) {
          busy(destination.path("repository").asText(""), by);
          String prefix = destination.path("prefix").asText("");
          if (!prefix.isEmpty()) {
            busy.add(new Busy(prefix.replaceFirst("/+$", "").toLowerCase(Locale.ROOT), by));
          }
        }
      }
      default -> {}
    }
  }

  private static boolean runs(JsonNode object) {
    for (JsonNode condition : object.path("status").path("conditions")) {
      if (condition.path("type").asText().equals("Reconciling")
          && condition.path("status").asText().equals("True")) {
        return true;
      }
    }
    for (JsonNode run : object.path("status").path("runs")) {
      String phase = run.path("phase").asText().toLowerCase(Locale.ROOT);
      if (phase.equals("running") || phase.equals("pending")) {
        return true;
      }
    }
    return false;
  }

  private void busy(String repository, String by) {
    if (repository.isEmpty()) {
      return;
    }
    try {
      busy.add(new Busy(Names.canonical(Reference.parse(repository)), by));
    } catch (OciException e) {
      unparsable.add(new Unparsable(repository, by));
    }
  }
}
