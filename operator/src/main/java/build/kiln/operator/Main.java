package build.kiln.operator;

import static java.util.Objects.requireNonNullElse;

import build.kiln.operator.job.ApiPodLogs;
import build.kiln.operator.job.DryRunAdmission;
import build.kiln.operator.settings.Settings;
import build.kiln.operator.settings.SettingsException;
import build.kiln.operator.settings.SettingsFile;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operator's process. Environment: {@code KILN_SETTINGS} (the settings' file), {@code
 * KILN_LOG_FORMAT} (json or text) and {@code KILN_LOG_LEVEL}, {@code POD_NAME} and {@code
 * POD_NAMESPACE} (identity and place of the leader's Lease). Exit codes: 1 lost the lead or cannot
 * reach the cluster, 2 bad settings, 143 stopped by SIGTERM.
 */
public final class Main {
  private static final Logger LOG = LoggerFactory.getLogger(Main.class);
  private static final int FAILED = 1;
  private static final int BAD_SETTINGS = 2;

  private Main() {}

  public static void main(String[] args) throws InterruptedException {
    Settings settings;
    KilnOperator.@Nullable Election election;
    var lost = new AtomicBoolean();
    var stop = new CountDownLatch(1);
    try {
      settings = settings(System.getenv());
      election =
          election(
              settings,
              System.getenv(),
              () -> {
                lost.set(true);
                stop.countDown();
              });
    } catch (SettingsException e) {
      System.err.println("kiln-operator: " + e.getMessage());
      System.exit(BAD_SETTINGS);
      return;
    }
    var stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stop.countDown();
                  await(stopped);
                },
                "stop"));
    try {
      run(settings, election, stop);
    } catch (IOException | RuntimeException e) {
      LOG.error("the operator cannot run", e);
      lost.set(true);
    } finally {
      stopped.countDown();
    }
    if (lost.get()) {
      System.exit(FAILED);
    }
  }

  private static void run(
      Settings settings, KilnOperator.@Nullable Election election, CountDownLatch stop)
      throws IOException, InterruptedException {
    var metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    new JvmMemoryMetrics().bindTo(metrics);
    new ProcessorMetrics().bindTo(metrics);
    try (KubernetesClient client = new KubernetesClientBuilder().build();
        var gc = new JvmGcMetrics()) {
      gc.bindTo(metrics);
      var parts =
          new KilnOperator.Parts(
              client,
              settings,
              new ApiPodLogs(client),
              new DryRunAdmission(client),
              Clock.systemUTC(),
              metrics,
              election);
      var running = new AtomicReference<@Nullable KilnOperator>();
      try (var endpoints =
              Endpoints.start(
                  settings.httpPort(),
                  metrics,
                  () -> {
                    var operator = running.get();
                    return operator != null && operator.healthy();
                  });
          var operator = KilnOperator.start(parts)) {
        running.set(operator);
        LOG.info(
            "started; builders run {}; health and metrics on port {}",
            settings.builderImage(),
            endpoints.port());
        stop.await();
        LOG.info("stops");
      }
    }
  }

  private static Settings settings(Map<String, String> environment) {
    var file = environment.get(SettingsFile.VARIABLE);
    if (file == null || file.isBlank()) {
      throw new SettingsException(
          "environment %s is not set: it names the file with the settings"
              .formatted(SettingsFile.VARIABLE));
    }
    return SettingsFile.read(Path.of(file));
  }

  private static KilnOperator.@Nullable Election election(
      Settings settings, Map<String, String> environment, Runnable lost) {
    if (!settings.leaderElection().enabled()) {
      return null;
    }
    var namespace =
        requireNonNullElse(
            settings.leaderElection().leaseNamespace(),
            environment.getOrDefault("POD_NAMESPACE", ""));
    var identity = environment.getOrDefault("POD_NAME", environment.getOrDefault("HOSTNAME", ""));
    if (namespace.isBlank() || identity.isBlank()) {
      throw new SettingsException(
          "leader election needs POD_NAMESPACE and POD_NAME in the environment (or leaderElection.leaseNamespace), or leaderElection.enabled: false");
    }
    return new KilnOperator.Election(namespace, identity, lost);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
