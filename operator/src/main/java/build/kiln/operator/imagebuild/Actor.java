package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.operator.settings.Settings;
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
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what was decided. Each thing can be done twice: what is made has a name that follows from
 * what it is, what is deleted may be gone.
 */
final class Actor {
  private static final Logger LOG = LoggerFactory.getLogger(Actor.class);
  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  private final KubernetesClient client;
  private final Settings settings;
  private final Supplier<String> nonces;

  /**
   * @param nonces gives an unguessable one each time
   */
  Actor(KubernetesClient client, Settings settings, Supplier<String> nonces) {
    this.client = client;
    this.settings = settings;
    this.nonces = nonces;
  }

  /**
   * Does it.
   *
   * @return what it came to: no start if the API server refuses what a start needs
   */
  Action act(ImageBuild build, Decision decision) {
    var namespace = build.getMetadata().getNamespace();
    for (var job : decision.delete()) {
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
    for (var job : decision.seal()) {
      seal(build, job);
    }
    if (!(decision.action() instanceof Action.Start start)) {
      return decision.action();
    }
    try {
      start(build, start);
      return start;
    } catch (KubernetesClientException e) {
      return blocked(Refusal.of(e).orElseThrow(() -> e));
    }
  }

  private static Action.Block blocked(Refusal refusal) {
    return refusal.byQuota()
        ? new Action.Block(
            FailureReason.QuotaExceeded,
            "a quota of the namespace forbids the build's Job: %s. It is tried again until there is room; or delete finished Jobs, lower spec.history, or have the quota raised"
                .formatted(refusal.words()))
        : new Action.Block(
            FailureReason.PodRefused,
            "the build's Job is refused: %s. Change podTemplate, or the policy; it is tried again"
                .formatted(refusal.words()));
  }

  /**
   * The order first, owned by the ImageBuild; then the Job; then the order is handed over to it.
   * Whatever stops us in between, the next pass finds the same names, and nothing outlives the
   * ImageBuild.
   */
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
    order(template, certificates);
    var job = create(template.job());
    try {
      handOver(job);
    } catch (KubernetesClientException e) {
      // The Job is there, that counts; the order is handed over when the result is recorded.
      LOG.info("the order of {} stays the ImageBuild's for now", job.getMetadata().getName(), e);
    }
  }

  private void order(JobTemplate template, Map<String, String> certificates) {
    var wanted = OrderMap.of(template, certificates, nonces.get());
    var maps = client.configMaps().inNamespace(wanted.getMetadata().getNamespace());
    if (created(wanted)) {
      return;
    }
    var name = wanted.getMetadata().getName();
    var found = maps.withName(name).get();
    boolean same =
        OrderMap.nonce(found)
            .map(nonce -> OrderMap.of(template, certificates, nonce).getData())
            .filter(data -> data.equals(found.getData()))
            .isPresent();
    if (!same && job(template.job()) == null) {
      // Settings changed before the Job was made, or someone put an order there that is not ours.
      maps.withName(name).delete();
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
      if (found == null
          || !Objects.equals(Labels.label(found, Labels.UID), Labels.label(wanted, Labels.UID))) {
        throw new IllegalStateException(
            "Job %s/%s is in the way of this build and is not its own: delete it"
                .formatted(wanted.getMetadata().getNamespace(), wanted.getMetadata().getName()),
            e);
      }
      return found;
    }
  }

  private Job job(Job like) {
    return client
        .batch()
        .v1()
        .jobs()
        .inNamespace(like.getMetadata().getNamespace())
        .withName(like.getMetadata().getName())
        .get();
  }

  private void seal(ImageBuild build, String name) {
    var namespace = build.getMetadata().getNamespace();
    long ttl = Durations.parse(history(build).ttl()).toSeconds();
    var job = client.batch().v1().jobs().inNamespace(namespace).withName(name);
    try {
      var patched = job.patch(MERGE, "{\"spec\":{\"ttlSecondsAfterFinished\":%d}}".formatted(ttl));
      if (patched != null) {
        handOver(patched);
      }
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
        throw e;
      }
    }
  }

  /** The spec's, or the default where the spec is invalid: its Jobs may be gone all the same. */
  private static ImageBuildSpec.History history(ImageBuild build) {
    return Validation.problem(build).isEmpty()
        ? build.getSpec().history()
        : new ImageBuildSpec.History(3, 3, "24h");
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
