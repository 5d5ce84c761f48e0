package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The Job of one attempt of a run: a pod of the builder image that carries out an order. Retries of
 * the same attempt are the Job controller's; what is final for a user ends the Job at once.
 *
 * @param resource whose run it is
 * @param name of the Job, and of the ConfigMap with its order
 * @param namespace of the Job
 * @param labels of the Job, its pods and its order
 * @param nameKey the annotation that has the resource's name
 * @param retries how often a pod that failed may be followed by another
 * @param timeout over all pods
 * @param finalCodes exit codes that end the Job at once
 * @param wish what the resource asks of the pod
 * @param mountToken whether the pod may speak to the API server, as its ServiceAccount
 */
public record JobSpec(
    HasMetadata resource,
    String name,
    String namespace,
    Map<String, String> labels,
    String nameKey,
    int retries,
    Duration timeout,
    List<Integer> finalCodes,
    @Nullable PodTemplate wish,
    boolean mountToken,
    PodShape shape,
    List<Volume> volumes,
    List<VolumeMount> mounts,
    Settings settings) {
  /** The builder's container. */
  public static final String CONTAINER = "builder";

  /** The exit code of what was killed, which it is for memory if it is not by a person. */
  public static final int KILLED = 137;

  private static final PodTemplate NO_WISH =
      new PodTemplate(null, null, null, null, null, null, null, null);

  /** The labels of a run's attempt. */
  public static Map<String, String> labels(
      String component, HasMetadata resource, long run, int attempt) {
    var labels = new TreeMap<String, String>();
    labels.put(Labels.COMPONENT, component);
    labels.put(Labels.MANAGED_BY, Labels.KILN);
    labels.put(Labels.UID, resource.getMetadata().getUid());
    labels.put(Labels.RUN, String.valueOf(run));
    labels.put(Labels.ATTEMPT, String.valueOf(attempt));
    return labels;
  }

  /** The Job itself. */
  public Job job() {
    return new JobBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace(namespace)
        .withLabels(labels)
        .withAnnotations(Map.of(nameKey, resource.getMetadata().getName()))
        .withOwnerReferences(owner())
        .endMetadata()
        .withNewSpec()
        .withBackoffLimit(retries)
        .withActiveDeadlineSeconds(Math.max(1, timeout.toSeconds()))
        .withNewPodFailurePolicy()
        // First, so that a builder killed by an eviction (137) is tried again; counted, so that one
        // that fills its node does not evict its neighbours time and again.
        .addNewRule()
        .withAction("Count")
        .addNewOnPodCondition()
        .withType("DisruptionTarget")
        .withStatus("True")
        .endOnPodCondition()
        .endRule()
        .addNewRule()
        .withAction("FailJob")
        .withNewOnExitCodes()
        .withContainerName(CONTAINER)
        .withOperator("In")
        .withValues(finalCodes)
        .endOnExitCodes()
        .endRule()
        .endPodFailurePolicy()
        .withTemplate(podTemplate())
        .endSpec()
        .build();
  }

  /** The pod that the Job's would be, to ask admission about. */
  public Pod pod() {
    var template = podTemplate();
    return new PodBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace(namespace)
        .withLabels(template.getMetadata().getLabels())
        .withAnnotations(template.getMetadata().getAnnotations())
        .endMetadata()
        .withSpec(template.getSpec())
        .build();
  }

  /** The resource as owner of what belongs to its runs. */
  OwnerReference owner() {
    return new OwnerReferenceBuilder()
        .withApiVersion(resource.getApiVersion())
        .withKind(resource.getKind())
        .withName(resource.getMetadata().getName())
        .withUid(resource.getMetadata().getUid())
        .withController(true)
        .withBlockOwnerDeletion(true)
        .build();
  }

  private PodTemplateSpec podTemplate() {
    var asked = requireNonNullElse(wish, NO_WISH);
    var defaults = settings.defaults();
    var podLabels = new TreeMap<>(requireNonNullElse(asked.labels(), Map.<String, String>of()));
    podLabels.putAll(labels);
    var annotations =
        new TreeMap<>(requireNonNullElse(asked.annotations(), Map.<String, String>of()));
    annotations.put(nameKey, resource.getMetadata().getName());
    return new PodTemplateSpecBuilder()
        .withNewMetadata()
        .withLabels(podLabels)
        .withAnnotations(annotations)
        .endMetadata()
        .withNewSpec()
        .withRestartPolicy("Never")
        .withAutomountServiceAccountToken(mountToken)
        .withEnableServiceLinks(false)
        .withHostUsers(shape.hostUsers())
        .withSecurityContext(shape.pod())
        .withServiceAccountName(asked.serviceAccountName())
        .withPriorityClassName(asked.priorityClassName())
        .withNodeSelector(requireNonNullElse(asked.nodeSelector(), defaults.nodeSelector()))
        .withTolerations(tolerations(asked))
        .withAffinity(asked.affinity())
        .withImagePullSecrets(
            settings.builderImagePullSecrets().stream().map(LocalObjectReference::new).toList())
        .withVolumes(volumes)
        .addNewContainer()
        .withName(CONTAINER)
        .withImage(settings.builderImage())
        .withImagePullPolicy(settings.builderImagePullPolicy())
        .withArgs("run", "-f", BuilderPaths.ORDER)
        .withResources(asked.resources() == null ? defaults.resources() : asked.resources())
        .withSecurityContext(shape.container())
        .withTerminationMessagePath(BuilderPaths.TERMINATION_MESSAGE)
        .withTerminationMessagePolicy("File")
        .withVolumeMounts(mounts)
        .endContainer()
        .endSpec()
        .build();
  }

  private List<Toleration> tolerations(PodTemplate asked) {
    return Stream.concat(
            settings.defaults().tolerations().stream(),
            Stream.ofNullable(asked.tolerations()).flatMap(List::stream))
        .distinct()
        .toList();
  }
}
