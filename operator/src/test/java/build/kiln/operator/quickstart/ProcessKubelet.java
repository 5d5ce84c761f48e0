package build.kiln.operator.quickstart;

import static java.util.Objects.requireNonNullElse;

import build.kiln.operator.quickstart.PodStates.Ended;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the container of each pod as a process of this machine, as kubelet runs it on its node. */
final class ProcessKubelet implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessKubelet.class);

  /** What kubelet keeps of a termination message. */
  private static final int LONGEST_MESSAGE = 4096;

  /** The exit code of a container that did not start. */
  private static final int NOT_STARTED = 128;

  private static final Duration VOLUMES_AGAIN = Duration.ofSeconds(2);

  /** Nobody waits here as long as a cluster does. */
  private static final long LONGEST_GRACE_SECONDS = 5;

  private final KubernetesClient client;
  private final BuilderProgram program;
  private final Path folders;
  private final PodLogFiles logs;
  private final BiConsumer<Pod, String> lines;
  private final Clock clock;
  private final Map<String, Worker> workers = new ConcurrentHashMap<>();
  private final SharedIndexInformer<Pod> informer;

  /**
   * Starts to watch.
   *
   * @param folders where each pod gets a folder, deleted with it
   * @param lines hears of every line that a pod prints
   */
  ProcessKubelet(
      KubernetesClient client,
      BuilderProgram program,
      Path folders,
      PodLogFiles logs,
      BiConsumer<Pod, String> lines,
      Clock clock) {
    this.client = client;
    this.program = program;
    this.folders = folders;
    this.logs = logs;
    this.lines = lines;
    this.clock = clock;
    this.informer =
        client.pods().inAnyNamespace().inform(Watching.existence(this::take, this::leave));
  }

  private void take(Pod pod) {
    var worker = new Worker(pod);
    if (workers.putIfAbsent(pod.getMetadata().getUid(), worker) == null) {
      worker.thread.start();
    }
  }

  private void leave(Pod pod) {
    var worker = workers.remove(pod.getMetadata().getUid());
    if (worker != null) {
      Thread.ofVirtual().start(worker::end);
    }
  }

  @Override
  public void close() {
    informer.close();
    workers.values().forEach(Worker::end);
    workers.clear();
  }

  /** One pod, from its volumes to its end. */
  private final class Worker {
    private final Pod pod;
    private final Path folder;
    private final CountDownLatch gone = new CountDownLatch(1);
    private final Thread thread;
    private @Nullable ContainerProcess process;

    Worker(Pod pod) {
      this.pod = pod;
      this.folder = folders.resolve(pod.getMetadata().getUid());
      this.thread = Thread.ofVirtual().name(pod.getMetadata().getName()).unstarted(this::run);
    }

    private void run() {
      try {
        var volumes = volumes();
        if (volumes != null) {
          work(volumes);
        }
      } catch (InterruptedException e) {
        // The pod is gone; who asked for it cleans up.
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        if (gone.getCount() > 0) {
          LOG.error("pod {} cannot be looked after", pod.getMetadata().getName(), e);
        }
      }
    }

    /** Tries until they are there; null if the pod is gone first. */
    private @Nullable PodVolumes volumes() throws InterruptedException {
      while (status(PodStates.pending(pod, clock.instant()))) {
        try {
          FolderRemoval.remove(folder);
          return PodVolumes.write(client, pod, folder);
        } catch (IOException e) {
          event("FailedMount", "MountVolume.SetUp failed: " + e.getMessage());
        }
        if (gone.await(VOLUMES_AGAIN.toMillis(), TimeUnit.MILLISECONDS)) {
          return null;
        }
      }
      return null;
    }

    private void work(PodVolumes volumes) throws InterruptedException {
      var container = pod.getSpec().getContainers().getFirst();
      var meta = pod.getMetadata();
      var message =
          volumes.onHost(
              requireNonNullElse(container.getTerminationMessagePath(), "/dev/termination-log"));
      var started = clock.instant();
      try {
        Files.createDirectories(requireNonNullElse(message.getParent(), folder));
        Files.createFile(message);
        var home = Files.createDirectories(volumes.onHost("/root"));
        start(
            ContainerProcess.start(
                program.command(container, volumes),
                program.environment(container, home),
                home,
                logs.file(meta.getNamespace(), meta.getName()),
                line -> lines.accept(pod, line)));
      } catch (IOException e) {
        status(
            PodStates.ended(
                pod,
                new Ended(
                    NOT_STARTED,
                    "StartError",
                    String.valueOf(e.getMessage()),
                    started,
                    clock.instant())));
        return;
      }
      status(PodStates.running(pod, started));
      int exitCode = running().waitFor();
      status(
          PodStates.ended(
              pod,
              new Ended(
                  exitCode,
                  exitCode == 0 ? "Completed" : "Error",
                  lastOf(message),
                  started,
                  clock.instant())));
    }

    private synchronized void start(ContainerProcess started) {
      process = started;
      if (gone.getCount() == 0) {
        started.kill(Duration.ZERO);
      }
    }

    private synchronized ContainerProcess running() {
      return java.util.Objects.requireNonNull(process);
    }

    /** The pod is gone: so is its process, and then its folder. */
    void end() {
      ContainerProcess last;
      synchronized (this) {
        gone.countDown();
        last = process;
      }
      if (last != null) {
        last.kill(grace());
      }
      try {
        thread.join(Duration.ofSeconds(LONGEST_GRACE_SECONDS));
        FolderRemoval.remove(folder);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (IOException e) {
        LOG.warn("the folder of pod {} stays: {}", pod.getMetadata().getName(), e.toString());
      }
    }

    private Duration grace() {
      return Duration.ofSeconds(
          Math.min(
              LONGEST_GRACE_SECONDS,
              requireNonNullElse(
                  pod.getSpec().getTerminationGracePeriodSeconds(), LONGEST_GRACE_SECONDS)));
    }

    private boolean status(Map<String, Object> status) {
      return gone.getCount() > 0
          && StatusPatch.apply(
              client
                  .pods()
                  .inNamespace(pod.getMetadata().getNamespace())
                  .withName(pod.getMetadata().getName()),
              status);
    }

    private void event(String reason, String message) {
      var meta = pod.getMetadata();
      var event =
          new EventBuilder()
              .withNewMetadata()
              .withName(
                  "%s.%s".formatted(meta.getName(), reason.toLowerCase(java.util.Locale.ROOT)))
              .withNamespace(meta.getNamespace())
              .endMetadata()
              .withNewInvolvedObject()
              .withKind("Pod")
              .withNamespace(meta.getNamespace())
              .withName(meta.getName())
              .withUid(meta.getUid())
              .endInvolvedObject()
              .withType("Warning")
              .withReason(reason)
              .withMessage(message)
              .withLastTimestamp(clock.instant().truncatedTo(ChronoUnit.SECONDS).toString())
              .build();
      client.v1().events().resource(event).createOr(events -> events.update());
    }
  }

  private static String lastOf(Path message) {
    try {
      var bytes = Files.readAllBytes(message);
      return new String(
          Arrays.copyOfRange(bytes, Math.max(0, bytes.length - LONGEST_MESSAGE), bytes.length),
          StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "the termination message cannot be read: " + e.getMessage();
    }
  }
}
