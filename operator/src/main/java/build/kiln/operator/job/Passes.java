package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.KilnResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.OperatorException;
import io.javaoperatorsdk.operator.api.config.ControllerConfigurationOverrider;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.rate.LinearRateLimiter;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnUpdateFilter;
import io.javaoperatorsdk.operator.processing.retry.GenericRetry;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How the reconcilers of all kinds are called, and what becomes of a pass that fails. */
public final class Passes {
  /** When a run ends, so many of those that wait are told. */
  public static final int NUDGED = 3;

  private static final Logger LOG = LoggerFactory.getLogger(Passes.class);

  /** Of one resource, so that a noisy one does not slow the others down. */
  private static final int PASSES_A_SECOND = 10;

  /** An error that so many retries, some seconds, did not mend is told on the status. */
  private static final int LASTS = 2;

  private static final long LIST_LIMIT = 500;

  private Passes() {}

  /**
   * How a controller runs: which namespaces, how fast, how long it tries.
   *
   * @param namespaces that are watched; empty: all
   * @param changed what counts of an update; a generation alone would miss the annotation for a run
   */
  public static <R extends HasMetadata> void configure(
      ControllerConfigurationOverrider<R> controller,
      String name,
      Set<String> namespaces,
      OnUpdateFilter<R> changed) {
    if (namespaces.isEmpty()) {
      controller.watchingAllNamespaces();
    } else {
      controller.settingNamespaces(namespaces);
    }
    controller
        .withName(name)
        .withGenerationAware(false)
        .withOnUpdateFilter(changed)
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

  /** What of all Jobs or pods is of a resource. */
  public static <H extends HasMetadata> List<H> owned(HasMetadata resource, Set<H> all) {
    return all.stream()
        .filter(one -> resource.getMetadata().getUid().equals(Labels.label(one, Labels.UID)))
        .toList();
  }

  /**
   * A pass is over.
   *
   * @param recheck when to look again at the latest; null: when something changes
   */
  public static <R extends HasMetadata> UpdateControl<R> over(@Nullable Duration recheck) {
    return recheck == null
        ? UpdateControl.noUpdate()
        : UpdateControl.<R>noUpdate().rescheduleAfter(recheck);
  }

  /**
   * Tells of a pass that failed, which is tried again.
   *
   * @param lasting tells it on the status; called once it has lasted
   */
  public static <R extends KilnResource<?, ?>> ErrorStatusUpdateControl<R> failed(
      R resource, Context<R> context, Exception e, Announcer announcer, Consumer<String> lasting) {
    LOG.warn(
        "a pass over {} {} failed and is tried again",
        resource.getKind(),
        ResourceID.fromResource(resource),
        e);
    var said = e instanceof KubernetesClientException ? e.getMessage() : e.toString();
    var message = requireNonNullElse(said, e.toString());
    announcer.tell(
        resource,
        new Announcement(
            true, Conditions.RECONCILE_FAILED, message, "error/" + Hashes.sha256(message, 16)));
    if (context.getRetryInfo().filter(retry -> retry.getAttemptCount() >= LASTS).isPresent()) {
      try {
        lasting.accept(message);
      } catch (KubernetesClientException | OperatorException again) {
        LOG.info("{} cannot be told so either", ResourceID.fromResource(resource), again);
      }
    }
    return ErrorStatusUpdateControl.noStatusUpdate();
  }
}
