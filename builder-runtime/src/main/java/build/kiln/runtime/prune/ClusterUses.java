package build.kiln.runtime.prune;

import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.cluster.ClusterException;
import build.kiln.runtime.prune.KubernetesUses.Source;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What the cluster refers to, listed from its API: all kinds that have a pod in them, builds and
 * mirrors, and the kinds that a policy names. A kind that cannot be listed is not known, and says
 * so.
 */
public final class ClusterUses implements Executor.CurrentUse {
  /** How old an answer may be, or as old as listing takes. */
  private static final Duration FRESH = Duration.ofSeconds(20);

  /** Where builds and mirrors are, which say what is written to now. */
  private static final Map<String, String> KILN =
      ordered(
          Map.entry("ImageBuild", "/apis/kiln.build/v1alpha1/imagebuilds"),
          Map.entry("ImageMirror", "/apis/kiln.build/v1alpha1/imagemirrors"));

  /** Owners after what they own: what moves to a new one meanwhile is seen at one of the two. */
  private static final Map<String, String> WORKLOADS =
      ordered(
          Map.entry("Pod", "/api/v1/pods"),
          Map.entry("ReplicaSet", "/apis/apps/v1/replicasets"),
          Map.entry("Job", "/apis/batch/v1/jobs"),
          Map.entry("Deployment", "/apis/apps/v1/deployments"),
          Map.entry("StatefulSet", "/apis/apps/v1/statefulsets"),
          Map.entry("DaemonSet", "/apis/apps/v1/daemonsets"),
          Map.entry("ControllerRevision", "/apis/apps/v1/controllerrevisions"),
          Map.entry("CronJob", "/apis/batch/v1/cronjobs"),
          Map.entry("ReplicationController", "/api/v1/replicationcontrollers"),
          Map.entry("PodTemplate", "/api/v1/podtemplates"));

  private final ClusterApi api;
  private final List<Source> sources;
  private final boolean workloads;
  private final Fresh<InUse> fresh;

  /**
   * @param sources fields of other kinds
   * @param workloads whether what workloads refer to counts; if not, only builds and mirrors that
   *     write now are looked for
   */
  public ClusterUses(ClusterApi api, List<Source> sources, boolean workloads) {
    this(api, sources, workloads, System::nanoTime);
  }

  ClusterUses(ClusterApi api, List<Source> sources, boolean workloads, LongSupplier nanoTime) {
    this.api = api;
    this.sources = List.copyOf(sources);
    this.workloads = workloads;
    this.fresh = new Fresh<>(FRESH, nanoTime, this::list);
  }

  @SafeVarargs
  private static Map<String, String> ordered(Map.Entry<String, String>... entries) {
    Map<String, String> map = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : entries) {
      map.put(entry.getKey(), entry.getValue());
    }
    return map;
  }

  /** Lists again, unless it just did. */
  @Override
  public InUse now() throws IOException {
    return fresh.get();
  }

  private InUse list() throws IOException {
    List<String> unknown = new ArrayList<>();
    KubernetesUses uses = new KubernetesUses(workloads ? sources : List.of());
    for (var kind : kinds(unknown).entrySet()) {
      try {
        api.list(kind.getValue(), Map.of(), uses::read);
      } catch (ClusterException e) {
        unknown.add(kind.getKey() + ": " + e.getMessage());
      }
    }
    InUse found = uses.inUse();
    InUse all = found.and(InUse.unknown(unknown));
    return workloads ? all : all.onlyWriters();
  }

  private Map<String, String> kinds(List<String> unknown) throws IOException {
    Map<String, String> kinds = new LinkedHashMap<>();
    if (workloads) {
      kinds.putAll(WORKLOADS);
    }
    kinds.putAll(KILN);
    for (Source source : workloads ? sources : List.<Source>of()) {
      try {
        String path = path(source);
        if (!kinds.containsValue(path)) {
          kinds.put(source.name(), path);
        }
      } catch (ClusterException e) {
        unknown.add(source.name() + ": " + e.getMessage());
      }
    }
    return kinds;
  }

  /** Where a kind's objects are, as the API says. */
  private String path(Source source) throws IOException {
    String group =
        (source.apiVersion().indexOf('/') < 0 ? "/api/" : "/apis/") + source.apiVersion();
    for (JsonNode resource : api.get(group).path("resources")) {
      String name = resource.path("name").asText("");
      if (resource.path("kind").asText("").equals(source.kind()) && name.indexOf('/') < 0) {
        return group + "/" + name;
      }
    }
    throw new ClusterException(
        "there is no such kind in the cluster; correct protect.extraSources, or install it");
  }
}
