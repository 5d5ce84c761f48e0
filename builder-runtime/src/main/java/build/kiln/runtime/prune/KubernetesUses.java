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
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads what Kubernetes objects refer to, from their JSON, and of lists too: what it says depends
 * on nothing but what it was given.
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

  /** One tag, and no pattern of several. */
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");

  /** As runtimes name images by their configurations; without an algorithm it is SHA-256. */
  private static final Pattern BARE_DIGEST =
      Pattern.compile("(?<hex>[0-9a-f]{64})|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}");

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
   * @param optional whether objects may be there of which none has it
   */
  public record Source(String apiVersion, String kind, JsonPath path, boolean optional) {
    /** Of the kind, such as {@code Service of serving.knative.dev/v1}. */
    String name() {
      return kind + " of " + apiVersion;
    }

    /** Whether an object is of the kind, in whatever version. */
    private boolean isOf(String objectKind, String objectVersion) {
      return kind.equals(objectKind)
          && (objectVersion.isEmpty() || group(apiVersion).equals(group(objectVersion)));
    }

    private static String group(String version) {
      return version.substring(0, Math.max(0, version.indexOf('/')));
    }
  }

  private final List<SourceCount> sources;
  private final List<Use> uses = new ArrayList<>();
  private final Set<Unparsable> unparsable = new LinkedHashSet<>();
  private final List<Busy> busy = new ArrayList<>();
  private final Set<MirrorMapping> mappings = new LinkedHashSet<>();

  /**
   * @param sources where objects of other kinds name images
   */
  public KubernetesUses(List<Source> sources) {
    this.sources =
        sources.stream().map(SourceCount::none).collect(Collectors.toCollection(ArrayList::new));
  }

  /**
   * What objects refer to.
   *
   * @param objects each an object, or a list as {@code kubectl get -o json} writes it
   */
  public static InUse of(Iterable<JsonNode> objects, List<Source> sources) {
    var reader = new KubernetesUses(sources);
    objects.forEach(reader::read);
    return reader.inUse();
  }

  /** Takes an object or a list of them. */
  public void read(JsonNode object) {
    read(object, "", "");
  }

  /** What all that was read refers to. */
  public InUse inUse() {
    return new InUse(
            uses, List.copyOf(unparsable), busy, List.of(), List.of(), List.copyOf(mappings))
        .and(InUse.counted(sources));
  }

  /**
   * @param listedKind the kind of a list's items, which the API server leaves out of them
   * @param listedVersion their apiVersion, likewise
   */
  private void read(JsonNode object, String listedKind, String listedVersion) {
    String kind = object.path("kind").asText(listedKind);
    String version = object.path("apiVersion").asText(listedVersion);
    if (object.path("items").isArray()) {
      boolean typed = kind.endsWith("List") && kind.length() > 4;
      String of = typed ? kind.substring(0, kind.length() - 4) : "";
      object.path("items").forEach(item -> read(item, of, typed ? version : ""));
      return;
    }
    String by = name(object, kind);
    if (version.startsWith("kiln.build/")) {
      kiln(object, kind, by);
    }
    for (String pointer : POD_SPECS.getOrDefault(kind, List.of())) {
      podSpec(object.at(pointer), by);
    }
    if (kind.equals("Pod")) {
      podStatus(object.path("status"), by);
    }
    sources.replaceAll(
        count -> count.source().isOf(kind, version) ? read(count, object, version, by) : count);
  }

  /** What an object says at a path; of another version of its kind, it is only counted. */
  private SourceCount read(SourceCount count, JsonNode object, String version, String by) {
    int values = 0;
    if (version.isEmpty() || count.source().apiVersion().equals(version)) {
      for (JsonNode value : count.source().path().values(object)) {
        add(value.asText(), by);
        values += value.asText().isBlank() ? 0 : 1;
      }
    }
    return count.and(new SourceCount(count.source(), 1, values));
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
        for (JsonNode mount : container.path("volumeMounts")) {
          add(mount.path("volumeStatus").path("image").path("imageRef"), by);
        }
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
    Matcher digest = BARE_DIGEST.matcher(image);
    try {
      uses.add(
          digest.matches()
              ? Use.ofDigest(
                  Digest.parse(digest.group("hex") == null ? image : "sha256:" + image), by)
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
      case "ImageMirror" -> mirror(spec, runs, by);
      default -> {}
    }
  }

  /**
   * What it copies by name is needed at both ends, or the next run would copy it again; and what
   * pods pull from the source may come from the destination.
   */
  private void mirror(JsonNode spec, boolean runs, String by) {
    JsonNode source = spec.path("source");
    JsonNode destination = spec.path("destination");
    String from = source.path("repository").asText("");
    String prefix = destination.path("prefix").asText("").replaceFirst("/+$", "");
    String to = destination.path("repository").asText("");
    String registry = source.path("registry").asText("");
    if (!from.isEmpty()) {
      Optional<String> name = canonical(from, by);
      if (name.isPresent() && to.isEmpty()) {
        to = prefix + name.get().substring(name.get().indexOf('/'));
      }
      String copy = to;
      name.ifPresent(
          n -> canonical(copy, by).ifPresent(c -> mappings.add(new MirrorMapping(n, c, by))));
      source.path("digests").forEach(digest -> add(from + "@" + digest.asText(), by));
      for (JsonNode tag : spec.path("tags").path("include")) {
        if (TAG.matcher(tag.asText()).matches()) {
          add(from + ":" + tag.asText(), by);
        }
      }
    } else if (!registry.isEmpty() && !prefix.isEmpty()) {
      canonical(registry + "/any", by)
          .map(name -> new MirrorMapping(Reclaimed.registry(name), lower(prefix), by))
          .ifPresent(mappings::add);
    }
    if (runs && !to.isEmpty()) {
      busy(to, by);
    } else if (runs && !prefix.isEmpty()) {
      busy.add(new Busy(lower(prefix), by));
    }
  }

  private Optional<String> canonical(String repository, String by) {
    try {
      return Optional.of(Names.canonical(Reference.parse(repository)));
    } catch (OciException e) {
      unparsable.add(new Unparsable(repository, by));
      return Optional.empty();
    }
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
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
    if (!repository.isEmpty()) {
      canonical(repository, by).ifPresent(name -> busy.add(new Busy(name, by)));
    }
  }
}
