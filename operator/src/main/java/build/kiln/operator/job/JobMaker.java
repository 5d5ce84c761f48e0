package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and removes Jobs with their orders. Each thing can be done twice: what is made has a name
 * that follows from what it is, what is deleted may be gone.
 */
public final class JobMaker {
  private static final Logger LOG = LoggerFactory.getLogger(JobMaker.class);
  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  private final KubernetesClient client;
  private final Supplier<String> nonces;
  private final Function<String, Optional<String>> reader;

  /**
   * @param nonces gives an unguessable one each time
   * @param reader finds the nonce in an order's JSON; empty if it is no order
   */
  public JobMaker(
      KubernetesClient client, Supplier<String> nonces, Function<String, Optional<String>> reader) {
    this.client = client;
    this.nonces = nonces;
    this.reader = reader;
  }

  /**
   * The order first, owned by the resource; then the Job; then the order is handed over to it.
   * Whatever stops us in between, the next pass finds the same names, and nothing outlives the
   * resource.
   *
   * @param order the JSON of the order with a nonce
   * @param certificates trusted ones by file name
   * @throws KubernetesClientException if the API server refuses, or cannot be asked
   */
  public void start(
      JobSpec spec, Function<String, String> order, Map<String, String> certificates) {
    var wanted = spec.job();
    order(spec, order, certificates, wanted);
    var job = create(wanted);
    try {
      handOver(job);
    } catch (KubernetesClientException e) {
      // The Job is there, that counts; the order is handed over when the result is recorded.
      LOG.info("the order of {} stays its resource's for now", job.getMetadata().getName(), e);
    }
  }

  /**
   * Deletes Jobs, and lets others expire.
   *
   * @param ttl how long those are kept; asked only if there are any, which is seldom
   */
  public void tidy(
      String namespace, List<String> delete, List<String> seal, Supplier<Duration> ttl) {
    delete.forEach(job -> delete(namespace, job));
    seal.forEach(job -> seal(namespace, job, ttl.get()));
  }

  /** Deletes a Job with its pods. */
  public void delete(String namespace, String job) {
    LOG.info("deletes Job {}/{}", namespace, job);
    client
        .batch()
        .v1()
        .jobs()
        .inNamespace(namespace)
        .withName(job)
        .withPropagationPolicy(DeletionPropagation.BACKGROUND)
        .delete();
  }

  /** Lets a Job expire, whose result is recorded. */
  public void seal(String namespace, String name, Duration ttl) {
    var job = client.batch().v1().jobs().inNamespace(namespace).withName(name);
    try {
      var patched =
          job.patch(
              MERGE, "{\"spec\":{\"ttlSecondsAfterFinished\":%d}}".formatted(ttl.toSeconds()));
      if (patched != null) {
        handOver(patched);
      }
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
        throw e;
      }
    }
  }

  private void order(
      JobSpec spec,
      Function<String, String> order,
      Map<String, String> certificates,
      Job wantedJob) {
    var wanted = Orders.map(spec, order.apply(nonces.get()), certificates);
    if (created(wanted)) {
      return;
    }
    var found = client.configMaps().inNamespace(spec.namespace()).withName(spec.name()).get();
    boolean same =
        Orders.text(found)
            .flatMap(reader)
            .map(nonce -> Orders.map(spec, order.apply(nonce), certificates).getData())
            .filter(data -> data.equals(found.getData()))
            .isPresent();
    if (!same && job(wantedJob) == null) {
      // Settings changed before the Job was made, or someone put an order there that is not ours.
      client.configMaps().inNamespace(spec.namespace()).withName(spec.name()).delete();
      client.configMaps().resource(wanted).create();
    }
  }

  private boolean created(ConfigMap map) {
    try {
      client.configMaps().resource(map).create();
      return true;
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
        throw e;
      }
      return false;
    }
  }

  private Job create(Job wanted) {
    try {
      var job = client.batch().v1().jobs().resource(wanted).create();
      LOG.info("made Job {}/{}", job.getMetadata().getNamespace(), job.getMetadata().getName());
      return job;
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
        throw e;
      }
      var found = job(wanted);
      if (found == null || !same(found, wanted, Labels.UID) || !same(found, wanted, Labels.NODE)) {
        throw new NameTakenException(
            "Job %s/%s is in the way of this run and is not its own: delete it"
                .formatted(wanted.getMetadata().getNamespace(), wanted.getMetadata().getName()),
            e);
      }
      return found;
    }
  }

  /** A Job of somebody else has the name. */
  public static final class NameTakenException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    NameTakenException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private static boolean same(Job found, Job wanted, String label) {
    return Objects.equals(Labels.label(found, label), Labels.label(wanted, label));
  }

  private @Nullable Job job(Job like) {
    return client
        .batch()
        .v1()
        .jobs()
        .inNamespace(like.getMetadata().getNamespace())
        .withName(like.getMetadata().getName())
        .get();
  }

  /** Makes the Job the owner of its order, so that both go together. */
  private void handOver(Job job) {
    var owner =
        new OwnerReferenceBuilder()
            .withApiVersion("batch/v1")
            .withKind("Job")
            .withName(job.getMetadata().getName())
            .withUid(job.getMetadata().getUid())
            .withController(true)
            .build();
    try {
      client
          .configMaps()
          .inNamespace(job.getMetadata().getNamespace())
          .withName(job.getMetadata().getName())
          .patch(
              MERGE,
              Serialization.asJson(Map.of("metadata", Map.of("ownerReferences", List.of(owner)))));
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
        throw e;
      }
    }
  }
}
