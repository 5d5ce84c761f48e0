package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.work.Records;
import build.kiln.operator.job.CaFiles;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.Refusal;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;

/** Does what was decided. */
final class Actor {
  private final JobMaker jobs;
  private final Settings settings;

  Actor(JobMaker jobs, Settings settings) {
    this.jobs = jobs;
    this.settings = settings;
  }

  /**
   * Does it.
   *
   * @return what it came to: no start if the API server refuses what a start needs
   */
  Action act(ImageBuild build, Decision decision) {
    var namespace = build.getMetadata().getNamespace();
    jobs.tidy(
        namespace, decision.delete(), decision.seal(), () -> Durations.parse(history(build).ttl()));
    if (!(decision.action() instanceof Action.Start start)) {
      return decision.action();
    }
    try {
      start(build, start);
      return start;
    } catch (KubernetesClientException e) {
      var refused = Refusal.of(e).orElseThrow(() -> e).blocker("the build");
      return new Action.Block(refused.reason(), refused.message());
    }
  }

  private void start(ImageBuild build, Action.Start start) {
    var certificates = CaFiles.read(settings);
    var run = build.getStatus().newestRun().orElseThrow().number();
    var template =
        new JobTemplate(
            build,
            run,
            start.attempt(),
            start.tier(),
            start.secrets(),
            start.arguments(),
            List.copyOf(certificates.keySet()),
            settings);
    jobs.start(
        template.spec(),
        nonce -> Records.order(BuildOrders.of(template, !certificates.isEmpty(), nonce)),
        certificates);
  }

  /** The spec's, or the default where the spec is invalid: its Jobs may be gone all the same. */
  private static ImageBuildSpec.History history(ImageBuild build) {
    return Validation.problem(build).isEmpty()
        ? build.getSpec().history()
        : new ImageBuildSpec.History(3, 3, "24h");
  }
}
