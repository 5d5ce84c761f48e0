package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.PodShape;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.util.List;
import java.util.Map;

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
  /** The Job's name; the order's ConfigMap has it too. */
  String name() {
    return Names.job(build.getMetadata().getName(), build.getMetadata().getUid(), run, attempt);
  }

  Job job() {
    return spec().job();
  }

  /** The pod that the Job's would be, to ask admission about. */
  Pod pod() {
    return spec().pod();
  }

  /** What the Job is made of. */
  JobSpec spec() {
    var volumes = new PodMounts(build, name(), secrets, caFiles, settings);
    var labels = JobSpec.labels(BuildLabels.BUILD, build, run, attempt);
    labels.put(BuildLabels.TIER, tier.name());
    return new JobSpec(
        build,
        name(),
        build.getMetadata().getNamespace(),
        labels,
        BuildLabels.NAME,
        build.getSpec().retries(),
        Durations.parse(build.getSpec().timeout()),
        List.of(
            ExitCode.USER.code(),
            ExitCode.USAGE.code(),
            ExitCode.OUT_OF_MEMORY.code(),
            ExitCode.SANDBOX.code(),
            JobSpec.KILLED),
        build.getSpec().podTemplate(),
        false,
        shape(tier),
        volumes.volumes(),
        volumes.mounts(),
        settings);
  }

  private static PodShape shape(Isolation tier) {
    return switch (tier) {
      case Namespaces -> PodShape.namespaces();
      case Chroot -> PodShape.chroot();
      case NoRun -> PodShape.unprivileged();
      case Auto ->
          throw new IllegalArgumentException("Auto is no pod's shape: a tier is chosen before");
    };
  }
}
