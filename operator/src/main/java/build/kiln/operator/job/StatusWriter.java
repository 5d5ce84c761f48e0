package build.kiln.operator.job;

import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.OperatorException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.PrimaryUpdateAndCacheUtils;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a status if it changed. The write carries the resource version that was read: whoever
 * looked at an older state loses, and looks again. The next pass sees what was written, whether or
 * not the informer does yet.
 */
public final class StatusWriter {
  public static final Duration AFTER_CONFLICT = Duration.ofMillis(200);

  private static final Logger LOG = LoggerFactory.getLogger(StatusWriter.class);

  /** Whether the status is now so; false if the resource changed meanwhile. */
  public <R extends CustomResource<?, T>, T> boolean write(
      R resource, T status, Context<R> context) {
    if (Objects.equals(resource.getStatus(), status)) {
      return true;
    }
    try {
      PrimaryUpdateAndCacheUtils.updateAndCacheResource(
          resource,
          context,
          read -> {
            read.setStatus(status);
            return read;
          },
          changed -> context.getClient().resource(changed).updateStatus(),
          0,
          PrimaryUpdateAndCacheUtils.DEFAULT_RESOURCE_CACHE_TIMEOUT_MILLIS,
          PrimaryUpdateAndCacheUtils.DEFAULT_RESOURCE_CACHE_POLL_PERIOD_MILLIS);
      return true;
    } catch (KubernetesClientException | OperatorException e) {
      if (code(e) == HttpURLConnection.HTTP_CONFLICT
          || code(e) == HttpURLConnection.HTTP_NOT_FOUND) {
        LOG.debug("{} changed meanwhile", resource.getMetadata().getName());
        return false;
      }
      throw e;
    }
  }

  private static int code(RuntimeException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof KubernetesClientException client) {
        return client.getCode();
      }
    }
    return 0;
  }
}
