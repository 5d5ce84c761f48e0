package build.kiln.operator.scheduled;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.Announcement;
import build.kiln.operator.job.Announcer;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.EventSources;
import build.kiln.operator.job.Hashes;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.LeanStore;
import build.kiln.operator.job.Limits;
import build.kiln.operator.job.PodLogs;
import build.kiln.operator.job.RunQueue;
import build.kiln.operator.job.StatusWriter;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.OperatorException;
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
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
  private static final Logger LOG = LoggerFactory.getLogger(ScheduledReconciler.class);

  /** When a run ends, so many of those that wait are told. */
  private static final int NUDGED = 3;

  /** Of one resource, so that a noisy one does not slow the others down. */
  private static final int PASSES_A_SECOND = 10;

  /** An error that so many retries, some seconds, did not mend is told on the status. */
  private static final int LASTS = 2;

  private static final long LIST_LIMIT = 500;

  /** Reasons of Ready=Unknown with which a run would not start if it were its turn. */
  private static final Set<String> WAIT_NOT =
      Set.of(NextStatus.SUSPENDED_REASON, Conditions.RECONCILE_FAILED);

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
                    waits(standing)));
  }

  /** Whether nothing but its turn keeps a run without a Job from starting. */
  private static boolean waits(Standing standing) {
    return Conditions.find(standing.conditions(), Conditions.READY)
        .filter(ready -> "False".equals(ready.getStatus()) || WAIT_NOT.contains(ready.getReason()))
        .isEmpty();
  }

  /**
   * How the controller runs: which namespaces, how fast, how long it tries.
   *
   * @param namespaces that are watched; empty: all
   */
  protected final void configure(
      ControllerConfigurationOverrider<R> controller, Set<String> namespaces) {
    if (namespaces.isEmpty()) {
      controller.watchingAllNamespaces();
    } else {
      controller.settingNamespaces(namespaces);
    }
    controller
        .withName(words.controller())
        // The filter says what counts; a generation alone would miss the annotation for a run.
        .withGenerationAware(false)
        .withOnUpdateFilter(this::changed)
        .withItemStore(new LeanStore<>())
        .withInformerListLimit(LIST_LIMIT)
        .withRateLimiter(new LinearRateLimiter(Duration.ofSeconds(1), PASSES_A_SECOND))
        .withRetry(
            new GenericRetry()
                .withoutMaxAttempts()
                .setInitialInterval(Duration.ofSeconds(1))
                .setIntervalMultiplier(2)
                .setMaxInterval(Duration.ofMinutes(5).toMillis()))
        // A timer knows nothing of a clock that is put forward.
        .withReconciliationMaxInterval(Duration.ofMinutes(10));
  }

  /** The one namespace of all Jobs, for a kind of the cluster; null if they are where it is. */
  protected @Nullable String namespaceOfJobs() {
    return null;
  }

  private boolean changed(R now, R before) {
    return EventSources.changed(now, before, words.wishKey())
        || kind.changed(now, before)
        || !Objects.equals(now.getSpec(), before.getSpec());
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
    return done.recheck() == null
        ? UpdateControl.noUpdate()
        : UpdateControl.<R>noUpdate().rescheduleAfter(done.recheck());
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
              owned(resource, context.getSecondaryResources(Job.class)),
              owned(resource, context.getSecondaryResources(Pod.class)),
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

  private static <H extends HasMetadata> List<H> owned(HasMetadata resource, Set<H> all) {
    return all.stream()
        .filter(one -> resource.getMetadata().getUid().equals(Labels.label(one, Labels.UID)))
        .toList();
  }

  @Override
  public final ErrorStatusUpdateControl<R> updateErrorStatus(
      R resource, Context<R> context, Exception e) {
    LOG.warn(
        "a pass over {} {} failed and is tried again",
        words.kind(),
        ResourceID.fromResource(resource),
        e);
    var said = e instanceof KubernetesClientException ? e.getMessage() : e.toString();
    var message = requireNonNullElse(said, e.toString());
    announcer.tell(
        resource,
        new Announcement(
            true, Conditions.RECONCILE_FAILED, message, "error/" + Hashes.sha256(message, 16)));
    if (context.getRetryInfo().filter(retry -> retry.getAttemptCount() >= LASTS).isPresent()) {
      tellLasting(resource, message, context);
    }
    return ErrorStatusUpdateControl.noStatusUpdate();
  }

  private void tellLasting(R resource, String message, Context<R> context) {
    try {
      var standing = NextStatus.erring(kind.subject(resource), message, clock.instant());
      statuses.write(resource, kind.status(resource, standing), context);
    } catch (KubernetesClientException | OperatorException e) {
      LOG.info("{} cannot be told so either", ResourceID.fromResource(resource), e);
    }
  }

  /** What follows from a status that is written. */
  private void account(R resource, Action action, Standing after, Optional<P> report) {
    metrics.count(action, after);
    if (action instanceof Action.Finish) {
      report.ifPresent(said -> kind.count(said, registry));
      after.newest().map(ScheduledRun::number).ifPresent(run -> queue.leave(resource, run));
      queue.next(NUDGED).forEach(nudges::propagateEvent);
    }
  }
}
