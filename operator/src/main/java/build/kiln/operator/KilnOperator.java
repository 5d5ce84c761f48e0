package build.kiln.operator;

import build.kiln.operator.imagebuild.ImageBuildReconciler;
import build.kiln.operator.imagemirror.ImageMirrorReconciler;
import build.kiln.operator.imagepruning.ImagePruneReconciler;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.PodLogs;
import build.kiln.operator.scheduled.ScheduledReconciler;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.ConfigurationServiceOverrider;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import io.javaoperatorsdk.operator.monitoring.micrometer.MicrometerMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The running operator; {@link #close} stops it. Any API server that fabric8's client reaches will
 * do, the in-memory one included.
 */
public final class KilnOperator implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KilnOperator.class);

  /** A pass under way may end; kubelet kills after 30 s. */
  private static final Duration LAST_PASS = Duration.ofSeconds(10);

  private static final int NONCE_BYTES = 24;

  private final Operator operator;
  private final Parts parts;
  private final AtomicBoolean closing;

  private KilnOperator(Operator operator, Parts parts, AtomicBoolean closing) {
    this.operator = operator;
    this.parts = parts;
    this.closing = closing;
  }

  /**
   * What it works with. The client stays the caller's to close.
   *
   * @param election who leads; null where only one operator can be
   */
  public record Parts(
      KubernetesClient client,
      Settings settings,
      PodLogs logs,
      Admission admission,
      Clock clock,
      MeterRegistry metrics,
      @Nullable Election election) {}

  /**
   * Leader election.
   *
   * @param namespace of the Lease
   * @param identity of this operator, such as its pod's name
   * @param lost what to do when another one leads; work has not stopped yet
   */
  public record Election(String namespace, String identity, Runnable lost) {}

  /** Starts; returns when the caches are filled. */
  public static KilnOperator start(Parts parts) {
    // A spec that cannot be read is written as it was; a warning would print it each time.
    parts.client().getKubernetesSerialization().getUnmatchedFieldTypeModule().setLogWarnings(false);
    var closing = new AtomicBoolean();
    var operator = new Operator(configuration -> configure(configuration, parts, closing));
    var reconciler =
        new ImageBuildReconciler(
            parts.client(),
            parts.settings(),
            parts.logs(),
            parts.admission(),
            parts.clock(),
            nonces(),
            parts.metrics());
    operator.register(reconciler, reconciler::configure);
    var scheduled =
        new ScheduledReconciler.Parts(
            parts.client(),
            parts.settings(),
            parts.logs(),
            parts.clock(),
            nonces(),
            parts.metrics());
    var mirrors = new ImageMirrorReconciler(scheduled);
    operator.register(mirrors, mirrors::configure);
    var prune = parts.settings().prune();
    if (prune != null) {
      var policies = new ImagePruneReconciler(scheduled, prune);
      operator.register(policies, policies::configure);
    }
    operator.start();
    return new KilnOperator(operator, parts, closing);
  }

  /** Whether the informers watch. */
  public boolean healthy() {
    return operator.getRuntimeInfo().isStarted()
        && operator.getRuntimeInfo().allEventSourcesAreHealthy();
  }

  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      operator.stop();
      if (parts.election() != null) {
        release(parts.client(), parts.settings().leaderElection().leaseName(), parts.election());
      }
    }
  }

  /** Gives the Lease back, so that a standby need not wait until it expires; JOSDK does not. */
  static void release(KubernetesClient client, String leaseName, Election election) {
    var lease = client.leases().inNamespace(election.namespace()).withName(leaseName);
    try {
      var held = lease.get();
      if (held != null
          && held.getSpec() != null
          && election.identity().equals(held.getSpec().getHolderIdentity())) {
        held.getSpec().setHolderIdentity("");
        held.getSpec().setLeaseDurationSeconds(1);
        client.resource(held).update();
      }
    } catch (KubernetesClientException e) {
      LOG.info("the Lease {} is left to expire: {}", leaseName, e.getMessage());
    }
  }

  private static void configure(
      ConfigurationServiceOverrider configuration, Parts parts, AtomicBoolean closing) {
    configuration
        .withKubernetesClient(parts.client())
        .withCloseClientOnStop(false)
        .checkingCRDAndValidateLocalModel(false)
        // One way of writing: the status by PUT with a resource version, see StatusWriter.
        .withUseSSAToPatchPrimaryResource(false)
        .withSSABasedCreateUpdateMatchForDependentResources(false)
        .withPreviousAnnotationForDependentResources(false)
        .withStopOnInformerErrorDuringStartup(false)
        .withReconciliationTerminationTimeout(LAST_PASS)
        .withMetrics(MicrometerMetrics.withoutPerResourceMetrics(parts.metrics()));
    if (parts.election() != null) {
      configuration.withLeaderElectionConfiguration(
          election(parts.settings(), parts.election(), closing));
    }
  }

  /**
   * JOSDK's own reaction to a lost lead is System.exit, which never returns when it happens while
   * the process stops. So the reaction is ours, and none when we stop on purpose.
   */
  private static LeaderElectionConfiguration election(
      Settings settings, Election election, AtomicBoolean closing) {
    return LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(
            settings.leaderElection().leaseName())
        .withLeaseNamespace(election.namespace())
        .withIdentity(election.identity())
        .withExitOnStopLeading(false)
        .withLeaderCallbacks(
            new LeaderCallbacks(
                () -> LOG.info("{} leads", election.identity()),
                () -> {
                  if (!closing.get()) {
                    LOG.error("{} no longer leads", election.identity());
                    election.lost().run();
                  }
                },
                leader -> LOG.info("the leader is {}", leader)))
        .build();
  }

  private static Supplier<String> nonces() {
    var random = new SecureRandom();
    return () -> {
      byte[] bytes = new byte[NONCE_BYTES];
      random.nextBytes(bytes);
      return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    };
  }
}
