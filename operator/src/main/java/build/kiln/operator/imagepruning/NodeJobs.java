package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.Records;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.PodFiles;
import build.kiln.operator.job.PodShape;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.AffinityBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** What the Job is like that prunes one node. Pure. */
final class NodeJobs {
  static final String COMPONENT = "kiln-node";

  /** Looking takes a second; a runtime that is busy may take long to remove what is large. */
  static final Duration TIMEOUT = Duration.ofMinutes(15);

  private static final String VOLUME = "cri";

  private final Settings settings;
  private final Settings.Nodes nodes;

  NodeJobs(Settings settings, Settings.Nodes nodes) {
    this.settings = settings;
    this.nodes = nodes;
  }

  /** The pod goes to the node by its name, as those of DaemonSets do. */
  JobSpec spec(ImagePrunePolicy policy, Nodes rules, Node node, long run) {
    var meta = policy.getMetadata();
    var name = name(policy, node, run);
    var labels = new TreeMap<>(JobSpec.labels(COMPONENT, policy, run, 1));
    labels.put(Labels.NODE, node.getMetadata().getUid());
    return new JobSpec(
        policy,
        name,
        nodes.namespace(),
        labels,
        PolicyKind.WORDS.nameKey(),
        0,
        TIMEOUT,
        List.of(ExitCode.USAGE.code(), ExitCode.INFRASTRUCTURE.code()),
        new PodTemplate(
            resources(),
            Map.of(),
            rules.tolerations(),
            on(node),
            nodes.serviceAccount(),
            null,
            null,
            null),
        true,
        PodShape.node(),
        List.of(PodFiles.work(name, List.of()), socket()),
        List.of(PodFiles.workMount(), PodFiles.mount(VOLUME, BuilderPaths.CRI_SOCKET, true)),
        settings);
  }

  /** The name of that Job. */
  static String name(ImagePrunePolicy policy, Node node, long run) {
    var meta = policy.getMetadata();
    return Names.nodeJob(meta.getName(), meta.getUid(), run, node.getMetadata().getUid());
  }

  /** The order of that Job, in JSON. */
  static String order(ImagePrunePolicy policy, Nodes rules, Node node, long run) {
    return Records.order(
        new NodeOrder(
            policy.getMetadata().getName(),
            policy.getMetadata().getUid(),
            run,
            node.getMetadata().getName(),
            node.getMetadata().getUid(),
            policy.getSpec().dryRun(),
            policy.getSpec().gracePeriod(),
            rules,
            policy.getSpec().protect().tags()));
  }

  private ResourceRequirements resources() {
    return Objects.requireNonNullElseGet(
        nodes.resources(),
        () ->
            new ResourceRequirementsBuilder()
                .addToRequests("cpu", new Quantity("50m"))
                .addToRequests("memory", new Quantity("128Mi"))
                .build());
  }

  private static Affinity on(Node node) {
    return new AffinityBuilder()
        .withNewNodeAffinity()
        .withNewRequiredDuringSchedulingIgnoredDuringExecution()
        .addNewNodeSelectorTerm()
        .addNewMatchField()
        .withKey("metadata.name")
        .withOperator("In")
        .withValues(node.getMetadata().getName())
        .endMatchField()
        .endNodeSelectorTerm()
        .endRequiredDuringSchedulingIgnoredDuringExecution()
        .endNodeAffinity()
        .build();
  }

  /** If there is none the pod must not start: what is missing would be made, as a directory. */
  private Volume socket() {
    return new VolumeBuilder().withName(VOLUME).withNewHostPath(nodes.socket(), "Socket").build();
  }
}
