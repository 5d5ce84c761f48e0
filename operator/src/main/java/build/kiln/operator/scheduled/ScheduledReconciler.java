package build.kiln.operator.scheduled;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.Announcer;
import build.kiln.operator.job.EventSources;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.Limits;
import build.kiln.operator.job.Passes;
import build.kiln.operator.job.PodLogs;
import build.kiln.operator.job.RunQueue;
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
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The reconciler of kinds that run on a schedule: observes the cluster, decides one action, does
 * it, and writes the status once. All state is in the API; a pass that is lost is repeated by the
 * next.
 *
 * @param <R> the resource
 * @param <T> its status
 * @param <P> what a run reports
 */
public abstract class ScheduledReconciler<R extends KilnResource<?, T>, T, P>
    implements Reconciler<R> {
  private final ScheduledKind<R, T, P> kind;
  private final Words words;
  private final Settings settings;
  private final Clock clock;
  private final RunQueue<R> queue;
  private final Observer<R, T, P> observer;
  private final Actor<R, T> actor;
  private final StatusWriter statuses = new StatusWriter();
  private final Announcer announcer;
  private final MeterRegistry registry;
  private final RunMetrics metrics;
  private final SimpleInboundEventSource<R> nudges = new SimpleInboundEventSource<>("queue");

  /**
   * What it works with.
   *
   * @param nonces gives an unguessable text of 16 to 128 letters, digits, '-' and '_' each time
   */
  public record Parts(
      KubernetesClient client,
      Settings settings,
      PodLogs logs,
      Clock clock,
      Supplier<String> nonces,
      MeterRegistry metrics) {}

  /**
   * @param limits how many runs of this kind there are at a time
   */
  protected ScheduledReconciler(ScheduledKind<R, T, P> kind, Limits limits, Parts parts) {
    this.kind = kind;
    this.words = kind.words();
    this.settings = parts.settings();
    this.clock = parts.clock();
    this.queue = new RunQueue<>(limits, resource -> newest(kind.standing(resource)));
    this.observer = new Observer<>(kind, parts.client(), settings, queue, parts.logs());
    this.actor =
        new Actor<>(kind, new JobMaker(parts.client(), parts.nonces(), kind::nonce), settings);
    this.announcer = new Announcer(parts.client(), clock);
    this.registry = parts.metrics();
    this.metrics = new RunMetrics(registry, words.metric(), queue);
  }

  private static Optional<RunQueue.Newest> newest(Standing standing) {
    return standing
        .newest()
        .map(
            run ->
                new RunQueue.Newest(
                    run.number(),
                    requireNonNullElse(run.startTime(), ""),
                    run.finished(),
                    run.job() != null,
                    RunQueue.waits(standing.conditions())));
  }

  /**
   * How the controller runs: which namespaces, how fast, how long it tries.
   *
   * @param namespaces that are watched; empty: all
   */
  protected final void configure(
      ControllerConfigurationOverrider<R> controller, Set<String> namespaces) {
    Passes.configure(controller, words.controller(), namespaces, this::changed);
  }

  /** The one namespace of all Jobs, for a kind of the cluster; null if they are where it is. */
  protected @Nullable String namespaceOfJobs() {
    return null;
  }

  private boolean changed(R now, R before) {
    return EventSources.changed(now, before, words.wishKey()) || kind.changed(now, before);
  }

  @Override
  public final List<EventSource<?, R>> prepareEventSources(EventSourceContext<R> context) {
    var resources = context.getPrimaryCache();
    resources.addIndexer(RunQueue.INDEX, queue::index);
    queue.of(() -> resources.byIndex(RunQueue.INDEX, RunQueue.INDEX), resources::get);
    return Stream.concat(
            new EventSources(words.component(), words.nameKey(), namespaceOfJobs())
                .of(kind.type(), context).stream(),
            Stream.of(nudges))
        .toList();
  }

  @Override
  public final UpdateControl<R> reconcile(R resource, Context<R> context) {
    if (resource.isMarkedForDeletion()) {
      return UpdateControl.noUpdate();
    }
    var now = clock.instant();
    var subject = kind.subject(resource);
    var done = act(resource, subject, context, now);
    var action = done.action();
    var standing =
        NextStatus.of(words, subject, done.observed(), action, Actor.job(resource, subject), now);
    for (var announcement : Announcements.of(words, subject, action, standing)) {
      announcer.tell(resource, announcement);
    }
    var report = Optional.ofNullable(done.observed().report());
    var status =
        action instanceof Action.Finish
            ? kind.finished(resource, standing, report)
            : kind.status(resource, standing);
    if (!statuses.write(resource, status, context)) {
      return UpdateControl.<R>noUpdate().rescheduleAfter(StatusWriter.AFTER_CONFLICT);
    }
    account(resource, action, standing, report);
    if (action instanceof Action.Finish) {
      kind.afterRun(resource);
    }
    return Passes.over(done.recheck());
  }

  /**
   * What a pass saw and did.
   *
   * @param recheck when to look again at the latest
   */
  private record Done<P>(Observed<P> observed, Action action, @Nullable Duration recheck) {}

  private Done<P> act(R resource, Subject subject, Context<R> context, Instant now) {
    boolean holdsSlot = false;
    try {
      var observed =
          observer.observe(
              resource,
              subject,
              Passes.owned(resource, context.getSecondaryResources(Job.class)),
              Passes.owned(resource, context.getSecondaryResources(Pod.class)),
              now);
      var decision = Decider.decide(subject, observed, settings, now);
      var action = actor.act(resource, subject, decision);
      holdsSlot =
          action instanceof Action.Start
              || action instanceof Action.Watch
              || action instanceof Action.Finish;
      return new Done<>(
          observed,
          action,
          action.equals(decision.action()) ? decision.recheck() : settings.pollOfMissing());
    } finally {
      // Whatever came in between, a slot is of no use to a run without a Job.
      if (!holdsSlot) {
        queue.withdraw(resource);
      }
    }
  }

  @Override
  public final ErrorStatusUpdateControl<R> updateErrorStatus(
      R resource, Context<R> context, Exception e) {
    return Passes.failed(
        resource,
        context,
        e,
        announcer,
        message ->
            statuses.write(
                resource,
                kind.status(
                    resource, NextStatus.erring(kind.subject(resource), message, clock.instant())),
                context));
  }

  /** What follows from a status that is written. */
  private void account(R resource, Action action, Standing after, Optional<P> report) {
    metrics.count(action, after);
    if (action instanceof Action.Finish) {
      report.ifPresent(said -> kind.count(said, registry));
      after.newest().map(ScheduledRun::number).ifPresent(run -> queue.leave(resource, run));
      queue.next(Passes.NUDGED).forEach(nudges::propagateEvent);
    }
  }
}
