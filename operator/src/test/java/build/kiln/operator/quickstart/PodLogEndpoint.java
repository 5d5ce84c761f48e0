package build.kiln.operator.quickstart;

import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.io.IOException;
import java.util.regex.Pattern;

/** Serves {@code pods/log} from files, to the operator and to {@code kubectl logs}, without -f. */
final class PodLogEndpoint extends Dispatcher {
  private static final Pattern LOG =
      Pattern.compile("/api/v1/namespaces/([a-z0-9.-]+)/pods/([a-z0-9.-]+)/log(?:\\?(.*))?");
  private static final Pattern LINES = Pattern.compile("(?:^|&)tailLines=([0-9]{1,9})");

  private final PodLogFiles logs;
  private final Dispatcher next;

  PodLogEndpoint(PodLogFiles logs, Dispatcher next) {
    this.logs = logs;
    this.next = next;
  }

  @Override
  public MockResponse dispatch(RecordedRequest request) {
    var path = LOG.matcher(request.getPath());
    if (!path.matches() || !request.getMethod().equals("GET")) {
      return next.dispatch(request);
    }
    var lines = LINES.matcher(path.group(3) == null ? "" : path.group(3));
    try {
      return logs.tail(
              path.group(1), path.group(2), lines.find() ? Integer.parseInt(lines.group(1)) : 0)
          .map(text -> answer(200, text))
          .orElseGet(() -> answer(404, "the pod %s has no log".formatted(path.group(2))));
    } catch (IOException e) {
      return answer(500, "the log cannot be read: " + e);
    }
  }

  private static MockResponse answer(int code, String text) {
    return new MockResponse()
        .setResponseCode(code)
        .setHeader("Content-Type", "text/plain")
        .setBody(text);
  }

  @Override
  public void shutdown() {
    next.shutdown();
  }

  @Override
  public void releaseResources() {
    next.releaseResources();
  }
}
