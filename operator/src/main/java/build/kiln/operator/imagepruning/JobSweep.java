package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.Labels;
import build.kiln.operator.scheduled.ScheduledReconciler;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobList;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Deletes Jobs of runs that are over, with their pods, where a policy says so. */
final class JobSweep {
  private static final Logger LOG = LoggerFactory.getLogger(JobSweep.class);

  /** Of builds and mirrors; a policy's own are kept by its history. */
  private static final String OF_RUNS =
      "%s=%s,%s in (kiln-build, kiln-mirror)"
          .formatted(Labels.MANAGED_BY, Labels.KILN, Labels.COMPONENT);

  private static final long PAGE = 500;

  private final KubernetesClient client;
  private final Settings settings;
  private final Clock clock;
  private final JobMaker jobs;
  private final MeterRegistry metrics;

  JobSweep(ScheduledReconciler.Parts parts) {
    this.client = parts.client();
    this.settings = parts.settings();
    this.clock = parts.clock();
    this.jobs = new JobMaker(parts.client(), parts.nonces(), order -> Optional.empty());
    this.metrics = parts.metrics();
  }

  /** Does what a policy's {@code builds} says; of a dry run only logs it. */
  void run(ImagePrunePolicy policy) {
    var spec = policy.getSpec();
    if (spec == null || spec.builds() == null) {
      return;
    }
    for (Job job : FinishedJobs.superfluous(all(), spec.builds(), clock.instant())) {
      var meta = job.getMetadata();
      if (spec.dryRun()) {
        LOG.info(
            "{} would delete Job {}/{}",
            policy.getMetadata().getName(),
            meta.getNamespace(),
            meta.getName());
      } else {
        jobs.delete(meta.getNamespace(), meta.getName());
        metrics.counter("kiln.prune.jobs.deleted").increment();
      }
    }
  }

  private List<Job> all() {
    List<Job> all = new ArrayList<>();
    Set<String> namespaces = settings.watchNamespaces();
    if (namespaces.isEmpty()) {
      all.addAll(pages(null));
    }
    namespaces.forEach(namespace -> all.addAll(pages(namespace)));
    return all;
  }

  private List<Job> pages(@Nullable String namespace) {
    List<Job> all = new ArrayList<>();
    String next = null;
    do {
      var options =
          new ListOptionsBuilder()
              .withLabelSelector(OF_RUNS)
              .withLimit(PAGE)
              .withContinue(next)
              .build();
      var source = client.batch().v1().jobs();
      JobList page =
          namespace == null
              ? source.inAnyNamespace().list(options)
              : source.inNamespace(namespace).list(options);
      all.addAll(page.getItems());
      next = page.getMetadata() == null ? null : page.getMetadata().getContinue();
    } while (next != null && !next.isEmpty());
    return all;
  }
}
