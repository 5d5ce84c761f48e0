package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.LocalObjectReference;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The Job of one attempt. Retries of the same attempt are the Job controller's; what is final for a
 * user ends the Job at once.
 *
 * @param arguments the values of build arguments that are in ConfigMaps
 * @param caFiles names of the files of trusted certificates in the order's ConfigMap
 */
record JobTemplate(
    ImageBuild build,
    long run,
    int attempt,
    Isolation tier,
    SecretFiles secrets,
    Map<String, String> arguments,
    List<String> caFiles,
    Settings settings) {
  /** The builder's container. */
  public static final String CONTAINER = "builder";

  private static final int KILLED = 137;
  private static final PodTemplate NO_TEMPLATE =
      new PodTemplate(null, null, null, null, null, null, null, null);

  /** The Job's name; the order's ConfigMap has it too. */
  String name() {
    return Names.job(build.getMetadata().getName(), build.getMetadata().getUid(), run, attempt);
  }

  Job job() {
    return new JobBuilder()
        .withNewMetadata()
        .withName(name())
        .withNamespace(build.getMetadata().getNamespace())
        .withLabels(labels())
        .withAnnotations(Map.of(Labels.NAME, build.getMetadata().getName()))
        .withOwnerReferences(owner())
        .endMetadata()
        .withNewSpec()
        .withBackoffLimit(build.getSpec().retries())
        .withActiveDeadlineSeconds(
            Math.max(1, Durations.parse(build.getSpec().timeout()).toSeconds()))
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
        .withValues(
            ExitCode.USER.code(),
            ExitCode.USAGE.code(),
            ExitCode.OUT_OF_MEMORY.code(),
            ExitCode.SANDBOX.code(),
            KILLED)
        .endOnExitCodes()
        .endRule()
        .endPodFailurePolicy()
        .withTemplate(podTemplate())
        .endSpec()
        .build();
  }

  /** The pod that the Job's would be, to ask admission about. */
  Pod pod() {
    var template = podTemplate();
    return new PodBuilder()
        .withNewMetadata()
        .withName(name())
        .withNamespace(build.getMetadata().getNamespace())
        .withLabels(template.getMetadata().getLabels())
        .withAnnotations(template.getMetadata().getAnnotations())
        .endMetadata()
        .withSpec(template.getSpec())
        .build();
  }

  /** The ImageBuild as owner of what belongs to its runs. */
  OwnerReference owner() {
    return new OwnerReferenceBuilder()
        .withApiVersion(build.getApiVersion())
        .withKind(build.getKind())
        .withName(build.getMetadata().getName())
        .withUid(build.getMetadata().getUid())
        .withController(true)
        .withBlockOwnerDeletion(true)
        .build();
  }

  Map<String, String> labels() {
    var labels = new TreeMap<String, String>();
    labels.put(Labels.COMPONENT, Labels.BUILD);
    labels.put(Labels.MANAGED_BY, Labels.KILN);
    labels.put(Labels.UID, build.getMetadata().getUid());
    labels.put(Labels.RUN, String.valueOf(run));
    labels.put(Labels.ATTEMPT, String.valueOf(attempt));
    labels.put(Labels.TIER, tier.name());
    return labels;
  }

  private PodTemplateSpec podTemplate() {
    var wish = requireNonNullElse(build.getSpec().podTemplate(), NO_TEMPLATE);
    var defaults = settings.defaults();
    var shape = PodShape.of(tier);
    var volumes = new PodMounts(build, name(), secrets, caFiles, settings);
    var labels = new TreeMap<>(requireNonNullElse(wish.labels(), Map.<String, String>of()));
    labels.putAll(labels());
    var annotations =
        new TreeMap<>(requireNonNullElse(wish.annotations(), Map.<String, String>of()));
    annotations.put(Labels.NAME, build.getMetadata().getName());
    return new PodTemplateSpecBuilder()
        .withNewMetadata()
        .withLabels(labels)
        .withAnnotations(annotations)
        .endMetadata()
        .withNewSpec()
        .withRestartPolicy("Never")
        .withAutomountServiceAccountToken(false)
        .withEnableServiceLinks(false)
        .withHostUsers(shape.hostUsers())
        .withSecurityContext(shape.pod())
        .withServiceAccountName(wish.serviceAccountName())
        .withPriorityClassName(wish.priorityClassName())
        .withNodeSelector(requireNonNullElse(wish.nodeSelector(), defaults.nodeSelector()))
        .withTolerations(tolerations(wish))
        .withAffinity(wish.affinity())
        .withImagePullSecrets(
            settings.builderImagePullSecrets().stream().map(LocalObjectReference::new).toList())
        .withVolumes(volumes.volumes())
        .addNewContainer()
        .withName(CONTAINER)
        .withImage(settings.builderImage())
        .withImagePullPolicy(settings.builderImagePullPolicy())
        .withArgs("run", "-f", BuilderPaths.ORDER)
        .withResources(wish.resources() == null ? defaults.resources() : wish.resources())
        .withSecurityContext(shape.container())
        .withTerminationMessagePath(BuilderPaths.TERMINATION_MESSAGE)
        .withTerminationMessagePolicy("File")
        .withVolumeMounts(volumes.mounts())
        .endContainer()
        .endSpec()
        .build();
  }

  private List<Toleration> tolerations(PodTemplate wish) {
    return Stream.concat(
            settings.defaults().tolerations().stream(),
            Stream.ofNullable(wish.tolerations()).flatMap(List::stream))
        .distinct()
        .toList();
  }
}
