package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.config.ControllerConfigurationOverrider;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.rate.LinearRateLimiter;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings an ImageBuild to its image: observes the cluster, decides one action, does it, and writes
 * the status once. All state is in the API; a pass that is lost is repeated by the next.
 */
public final class ImageBuildReconciler implements Reconciler<ImageBuild> {
  private static final Logger LOG = LoggerFactory.getLogger(ImageBuildReconciler.class);

  /** When a build ends, so many of those that wait are told. */
  private static final int NUDGED = 3;

  /** Of one ImageBuild, so that a noisy one does not slow the others down. */
  private static final int PASSES_A_SECOND = 10;

  private static final long LIST_LIMIT = 500;

  private final Settings settings;
  private final Clock clock;
  private final BuildQueue queue;
  private final Observer observer;
  private final Actor actor;
  private final StatusWriter statuses;
  private final Announcer announcer;
  private final BuildMetrics metrics;
  private final SimpleInboundEventSource<ImageBuild> nudges =
      new SimpleInboundEventSource<>("queue");

  /**
   * @param nonces gives an unguessable text of 16 to 128 letters, digits, '-' and '_' each time
   */
  public ImageBuildReconciler(
      KubernetesClient client,
      Settings settings,
      PodLogs logs,
      Admission admission,
      Clock clock,
      Supplier<String> nonces,
      MeterRegistry registry) {
    this.settings = settings;
    this.clock = clock;
    this.queue =
        new BuildQueue(
            new Limits(settings.maxConcurrentBuilds(), settings.maxConcurrentBuildsPerNamespace()));
    this.observer = new Observer(client, settings, queue, admission, logs);
    this.actor = new Actor(client, settings, nonces);
    this.statuses = new StatusWriter();
    this.announcer = new Announcer(client, clock);
    this.metrics = new BuildMetrics(registry, queue);
  }

  /** How the controller runs: which namespaces, how fast, how long it tries. */
  public void configure(ControllerConfigurationOverrider<ImageBuild> controller) {
    if (settings.watchNamespaces().isEmpty()) {
      controller.watchingAllNamespaces();
    } else {
      controller.settingNamespaces(settings.watchNamespaces());
    }
    controller
        .withName("imagebuild")
        // The filter says what counts; a generation alone would miss the annotation for a rebuild.
        .withGenerationAware(false)
        .withOnUpdateFilter(EventSources::changed)
        .withItemStore(new LeanStore<>())
        .withInformerListLimit(LIST_LIMIT)
        .withRateLimiter(new LinearRateLimiter(Duration.ofSeconds(1), PASSES_A_SECOND))
        .withRetry(
            new GenericRetry()
                .withoutMaxAttempts()
                .setInitialInterval(Duration.ofSeconds(1))
                .setIntervalMultiplier(2)
                .setMaxInterval(Duration.ofMinutes(5).toMillis()))
        .withReconciliationMaxInterval(Duration.ofMinutes(10));
  }

  @Override
  public List<EventSource<?, ImageBuild>> prepareEventSources(
      EventSourceContext<ImageBuild> context) {
    var builds = context.getPrimaryCache();
    builds.addIndexer(BuildQueue.INDEX, BuildQueue::index);
    queue.of(() -> builds.byIndex(BuildQueue.INDEX, BuildQueue.INDEX));
    return List.of(EventSources.jobs(context), EventSources.pods(context), nudges);
  }

  @Override
  public UpdateControl<ImageBuild> reconcile(ImageBuild build, Context<ImageBuild> context) {
    if (build.isMarkedForDeletion()) {
      return UpdateControl.noUpdate();
    }
    var now = clock.instant();
    var observed = observer.observe(build, jobs(build, context), pods(build, context), now);
    var decision = Decider.decide(build, observed, settings, now);
    actor.act(build, decision);
    var status = NextStatus.of(build, observed, decision.action(), settings, now);
    announce(build, decision.action(), status);
    if (!statuses.write(build, status, context)) {
      return UpdateControl.<ImageBuild>noUpdate().rescheduleAfter(StatusWriter.AFTER_CONFLICT);
    }
    account(build, decision.action(), status);
    return decision.recheck() == null
        ? UpdateControl.noUpdate()
        : UpdateControl.<ImageBuild>noUpdate().rescheduleAfter(decision.recheck());
  }

  @Override
  public ErrorStatusUpdateControl<ImageBuild> updateErrorStatus(
      ImageBuild build, Context<ImageBuild> context, Exception e) {
    LOG.warn(
        "a pass over ImageBuild {} failed and is tried again", ResourceID.fromResource(build), e);
    var message = e instanceof KubernetesClientException ? e.getMessage() : e.toString();
    announcer.tell(
        build,
        new Announcement(
            true,
            "ReconcileFailed",
            Objects.requireNonNullElse(message, e.toString()),
            "error/" + Hashes.sha256(String.valueOf(message), 16)));
    return ErrorStatusUpdateControl.noStatusUpdate();
  }

  private static List<Job> jobs(ImageBuild build, Context<ImageBuild> context) {
    return context.getSecondaryResources(Job.class).stream()
        .filter(job -> build.getMetadata().getUid().equals(Labels.label(job, Labels.UID)))
        .collect(Collectors.toList());
  }

  private static List<Pod> pods(ImageBuild build, Context<ImageBuild> context) {
    return context.getSecondaryResources(Pod.class).stream()
        .filter(pod -> build.getMetadata().getUid().equals(Labels.label(pod, Labels.UID)))
        .collect(Collectors.toList());
  }

  private void announce(ImageBuild build, Action action, ImageBuildStatus status) {
    for (var announcement : Announcement.of(build, action, status)) {
      announcer.tell(build, announcement);
    }
  }

  /** What follows from a status that is written. */
  private void account(ImageBuild build, Action action, ImageBuildStatus status) {
    metrics.count(action, status);
    if (action instanceof Action.Finish) {
      status.newestRun().ifPresent(run -> queue.leave(build, run.number()));
      queue.next(NUDGED).forEach(nudges::propagateEvent);
    }
  }
}
