package build.kiln.operator.testkit;

import io.fabric8.kubernetes.api.model.StatusBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/** Lets an API server answer some requests with an error. */
public final class Faults {
  private final List<Fault> faults = new CopyOnWriteArrayList<>();

  /**
   * An error.
   *
   * @param request what starts with the method, such as {@code POST /apis/batch/v1/}
   */
  private record Fault(Pattern request, int code, String message, boolean once) {}

  /** Every request that a pattern is found in fails, until {@link #mend}. */
  public void fail(String request, int code, String message) {
    faults.add(new Fault(Pattern.compile(request), code, message, false));
  }

  /** The next request that a pattern is found in fails. */
  public void failOnce(String request, int code, String message) {
    faults.add(new Fault(Pattern.compile(request), code, message, true));
  }

  public void mend() {
    faults.clear();
  }

  /** Whether every fault that was for one request has had it. */
  public boolean happened() {
    return faults.stream().noneMatch(Fault::once);
  }

  Dispatcher before(Dispatcher next) {
    return new Dispatcher() {
      @Override
      public MockResponse dispatch(RecordedRequest request) {
        var line = request.getMethod() + " " + request.getPath();
        for (var fault : faults) {
          if (fault.request().matcher(line).find() && (!fault.once() || faults.remove(fault))) {
            return answer(fault);
          }
        }
        return next.dispatch(request);
      }

      @Override
      public void shutdown() {
        next.shutdown();
      }

      @Override
      public void releaseResources() {
        next.releaseResources();
      }
    };
  }

  private static MockResponse answer(Fault fault) {
    return new MockResponse()
        .setResponseCode(fault.code())
        .setHeader("Content-Type", "application/json")
        .setBody(
            Serialization.asJson(
                new StatusBuilder()
                    .withCode(fault.code())
                    .withStatus("Failure")
                    .withMessage(fault.message())
                    .build()));
  }
}
