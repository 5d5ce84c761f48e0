package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.Announcer;
import build.kiln.operator.job.EventSources;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.Limits;
import build.kiln.operator.job.Passes;
import build.kiln.operator.job.PodLogs;
import build.kiln.operator.job.StatusWriter;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.config.ControllerConfigurationOverrider;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings an ImageBuild to its image: observes the cluster, decides one action, does it, and writes
 * the status once. All state is in the API; a pass that is lost is repeated by the next.
 */
public final class ImageBuildReconciler implements Reconciler<ImageBuild> {
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
    this.actor = new Actor(new JobMaker(client, nonces, BuildOrders::nonce), settings);
    this.statuses = new StatusWriter();
    this.announcer = new Announcer(client, clock);
    this.metrics = new BuildMetrics(registry, queue);
  }

  /** How the controller runs: which namespaces, how fast, how long it tries. */
  public void configure(ControllerConfigurationOverrider<ImageBuild> controller) {
    Passes.configure(
        controller,
        "imagebuild",
        settings.watchNamespaces(),
        (now, before) -> EventSources.changed(now, before, ImageBuild.REBUILD_ANNOTATION));
  }

  @Override
  public List<EventSource<?, ImageBuild>> prepareEventSources(
      EventSourceContext<ImageBuild> context) {
    var builds = context.getPrimaryCache();
    builds.addIndexer(BuildQueue.INDEX, queue::index);
    queue.of(() -> builds.byIndex(BuildQueue.INDEX, BuildQueue.INDEX), builds::get);
    return Stream.concat(
            new EventSources(BuildLabels.BUILD, BuildLabels.NAME, null)
                .of(ImageBuild.class, context).stream(),
            Stream.of(nudges))
        .toList();
  }

  @Override
  public UpdateControl<ImageBuild> reconcile(ImageBuild build, Context<ImageBuild> context) {
    if (build.isMarkedForDeletion()) {
      return UpdateControl.noUpdate();
    }
    var now = clock.instant();
    var done = act(build, context, now);
    var status = NextStatus.of(build, done.observed(), done.action(), settings, now);
    announce(build, done.action(), status);
    if (!statuses.write(build, status, context)) {
      return UpdateControl.<ImageBuild>noUpdate().rescheduleAfter(StatusWriter.AFTER_CONFLICT);
    }
    account(build, done.action(), status);
    return Passes.over(done.recheck());
  }

  /**
   * What a pass saw and did.
   *
   * @param recheck when to look again at the latest
   */
  private record Done(Observed observed, Action action, @Nullable Duration recheck) {}

  private Done act(ImageBuild build, Context<ImageBuild> context, Instant now) {
    boolean holdsSlot = false;
    try {
      var observed =
          observer.observe(
              build,
              Passes.owned(build, context.getSecondaryResources(Job.class)),
              Passes.owned(build, context.getSecondaryResources(Pod.class)),
              now);
      var decision = Decider.decide(build, observed, settings, now);
      var action = actor.act(build, decision);
      holdsSlot =
          action instanceof Action.Start
              || action instanceof Action.Watch
              || action instanceof Action.Finish;
      return new Done(
          observed,
          action,
          action.equals(decision.action()) ? decision.recheck() : settings.pollOfMissing());
    } finally {
      // Whatever came in between, a slot is of no use to a run without a Job.
      if (!holdsSlot) {
        queue.withdraw(build);
      }
    }
  }

  @Override
  public ErrorStatusUpdateControl<ImageBuild> updateErrorStatus(
      ImageBuild build, Context<ImageBuild> context, Exception e) {
    return Passes.failed(
        build,
        context,
        e,
        announcer,
        message ->
            statuses.write(build, NextStatus.erring(build, message, clock.instant()), context));
  }

  private void announce(ImageBuild build, Action action, ImageBuildStatus status) {
    for (var announcement : Announcements.of(build, action, status)) {
      announcer.tell(build, announcement);
    }
  }

  /** What follows from a status that is written. */
  private void account(ImageBuild build, Action action, ImageBuildStatus status) {
    metrics.count(action, status);
    if (action instanceof Action.Finish) {
      status.newestRun().ifPresent(run -> queue.leave(build, run.number()));
      queue.next(Passes.NUDGED).forEach(nudges::propagateEvent);
    }
  }
}
