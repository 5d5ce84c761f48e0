package build.kiln.operator.job;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.ContainerResource;
import io.fabric8.kubernetes.client.dsl.PrettyLoggable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads logs through the API server, and holds no more of them than {@link #MOST_BYTES}. */
public final class ApiPodLogs implements PodLogs {
  private static final Logger LOG = LoggerFactory.getLogger(ApiPodLogs.class);

  /** A step that writes long lines must not fill the operator's memory. */
  public static final int MOST_BYTES = 256 * 1024;

  private final KubernetesClient client;

  public ApiPodLogs(KubernetesClient client) {
    this.client = client;
  }

  @Override
  public Optional<String> tail(String namespace, String pod, String container, int lines) {
    return read(namespace, pod, of(namespace, pod, container).tailingLines(lines));
  }

  @Override
  public Optional<String> recent(
      String namespace, String pod, String container, int lines, Duration within) {
    // The node reckons with its own clock.
    int seconds = (int) Math.min(Integer.MAX_VALUE, within.plusNanos(999_999_999).toSeconds());
    return read(
        namespace,
        pod,
        of(namespace, pod, container)
            .limitBytes(MOST_BYTES)
            .sinceSeconds(seconds)
            .tailingLines(lines));
  }

  private ContainerResource of(String namespace, String pod, String container) {
    return client.pods().inNamespace(namespace).withName(pod).inContainer(container);
  }

  private static Optional<String> read(String namespace, String pod, PrettyLoggable from) {
    try (var log = from.getLogInputStream()) {
      return Optional.of(lastOf(log, MOST_BYTES));
    } catch (IOException | KubernetesClientException e) {
      LOG.debug("the log of pod {}/{} cannot be read: {}", namespace, pod, e.toString());
      return Optional.empty();
    }
  }

  /** The last bytes of a stream as text. */
  static String lastOf(InputStream log, int most) throws IOException {
    byte[] ring = new byte[most];
    long total = 0;
    byte[] piece = new byte[8192];
    for (int read = log.read(piece); read >= 0; read = log.read(piece)) {
      for (int i = 0; i < read; i++) {
        ring[(int) ((total + i) % most)] = piece[i];
      }
      total += read;
    }
    if (total <= most) {
      return new String(ring, 0, (int) total, StandardCharsets.UTF_8);
    }
    int start = (int) (total % most);
    byte[] last = new byte[most];
    System.arraycopy(ring, start, last, 0, most - start);
    System.arraycopy(ring, 0, last, most - start, start);
    return new String(last, StandardCharsets.UTF_8);
  }
}
