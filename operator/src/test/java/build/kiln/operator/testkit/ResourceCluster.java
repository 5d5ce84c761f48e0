package build.kiln.operator.testkit;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Orders;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The operator with resources of one kind, which are changed as kubectl does and waited for.
 *
 * @param <R> the resource
 * @param <S> its spec
 * @param <T> its status
 */
public abstract class ResourceCluster<R extends KilnResource<S, T>, S, T> extends ApiCluster {
  private static final Duration POLL = Duration.ofMillis(20);

  private final Class<R> type;
  private final T none;
  private final Function<T, @Nullable List<Condition>> conditions;

  /**
   * @param more settings, as YAML
   * @param none the status of a resource that has none
   */
  protected ResourceCluster(
      String more, Class<R> type, T none, Function<T, @Nullable List<Condition>> conditions) {
    super(more);
    this.type = type;
    this.none = none;
    this.conditions = conditions;
  }

  private Resource<R> resource(String name) {
    var all = client().resources(type);
    return Namespaced.class.isAssignableFrom(type)
        ? all.inNamespace(NAMESPACE).withName(name)
        : all.withName(name);
  }

  /** Creates a resource, or gives the one of its name this spec. */
  protected void apply(R wanted) {
    var name = wanted.getMetadata().getName();
    if (resource(name).get() == null) {
      client().resource(wanted).create();
      return;
    }
    edit(
        name,
        found -> {
          found.setSpec(wanted.getSpec());
          // As a real API server would.
          found
              .getMetadata()
              .setGeneration(
                  Optional.ofNullable(found.getMetadata().getGeneration()).orElse(1L) + 1);
          return found;
        });
  }

  /** Sets an annotation beside those that there are. */
  public void annotate(String name, String annotation, String value) {
    edit(
        name,
        found -> {
          Map<String, String> all =
              new HashMap<>(
                  Optional.ofNullable(found.getMetadata().getAnnotations()).orElse(Map.of()));
          all.put(annotation, value);
          found.getMetadata().setAnnotations(all);
          return found;
        });
  }

  /** Changes a resource as kubectl does: again if the operator wrote in between. */
  private void edit(String name, UnaryOperator<R> change) {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreException(KubernetesClientException.class)
        .until(() -> resource(name).edit(change) != null);
  }

  public R get(String name) {
    return requireNonNull(resource(name).get());
  }

  public T status(String name) {
    return Optional.ofNullable(get(name).getStatus()).orElse(none);
  }

  /** Waits until a status is as wished. */
  public T await(String name, String wish, Predicate<T> wished) {
    try {
      return Awaitility.await(name + " " + wish)
          .atMost(PATIENCE)
          .pollInterval(POLL)
          .until(() -> status(name), wished);
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "%s: not %s; it is%n%s%njobs %s"
              .formatted(
                  name,
                  wish,
                  Serialization.asYaml(status(name)),
                  jobs().stream().map(job -> job.getMetadata().getName()).toList()),
          e);
    }
  }

  /** Waits for Ready to be of a status and a reason. */
  public T awaitReady(String name, String status, String reason) {
    return await(
        name,
        "Ready=%s, %s".formatted(status, reason),
        now ->
            Conditions.find(conditions.apply(now), Conditions.READY)
                .filter(ready -> ready.getStatus().equals(status))
                .filter(ready -> ready.getReason().equals(reason))
                .isPresent());
  }

  /** Waits for the Job of a run's first attempt. */
  public Job awaitJob(String name, long run) {
    return awaitJob(name, run, 1);
  }

  public Job awaitJob(String name, long run, int attempt) {
    var uid = get(name).getMetadata().getUid();
    return Awaitility.await("a Job of run %d of %s, attempt %d".formatted(run, name, attempt))
        .atMost(PATIENCE)
        .pollInterval(POLL)
        .until(
            () ->
                jobs().stream()
                    .filter(job -> uid.equals(Labels.label(job, Labels.UID)))
                    .filter(job -> Labels.number(job, Labels.RUN) == run)
                    .filter(job -> Labels.number(job, Labels.ATTEMPT) == attempt)
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  /** The order of a Job, in JSON. */
  protected String orderText(Job job) {
    var name = job.getMetadata().getName();
    return Orders.text(client().configMaps().inNamespace(NAMESPACE).withName(name).get())
        .orElseThrow();
  }

  /** Ends a pod with an exit code and a termination message, and its Job. */
  protected void ends(Job job, Pod pod, int exit, @Nullable String message) {
    podIs(pod, ended(exit, "Error", message));
    jobEnds(job, exit == 0 ? "Complete" : "Failed", exit == 0 ? null : "PodFailurePolicy");
  }
}
