package build.kiln.runtime.registry.embedded;

import com.sun.net.httpserver.HttpHandler;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** Something that goes wrong with a request. */
public sealed interface Fault {

  /** The request is answered with this and does nothing. */
  record Answer(int status, Map<String, String> headers, String body) implements Fault {
    public Answer {
      headers = Map.copyOf(headers);
    }
  }

  /** The connection breaks after this many bytes of the answer's body; 0 sends only the headers. */
  record CutAnswer(long afterBytes) implements Fault {}

  /** The connection breaks after this many bytes of the request's body were read, unanswered. */
  record CutRequest(long afterBytes) implements Fault {}

  /** The answer is right but for the first byte of its body. */
  record CorruptAnswer() implements Fault {}

  /** The answer's body comes in pieces of so many bytes, with a pause after each. */
  record Drip(int bytes, Duration pause) implements Fault {}

  /** The request is handled after this time. */
  record Delay(Duration duration) implements Fault {}

  /**
   * The request is handled when the latch is open.
   *
   * @param arrived counted down when the request is here
   */
  record Hold(CountDownLatch arrived, CountDownLatch release) implements Fault {}

  /** Someone else answers the request. */
  record Instead(HttpHandler handler) implements Fault {}

  static Fault status(int status) {
    return new Answer(status, Map.of(), "");
  }

  static Fault status(int status, Map<String, String> headers) {
    return new Answer(status, headers, "");
  }

  /** An error of the distribution API, such as 403 with DENIED. */
  static Fault error(int status, String code, String message) {
    return new Answer(
        status,
        Map.of("Content-Type", "application/json"),
        "{\"errors\":[{\"code\":\"" + code + "\",\"message\":\"" + message + "\"}]}");
  }

  static Fault cutAnswer(long afterBytes) {
    return new CutAnswer(afterBytes);
  }

  static Fault cutRequest(long afterBytes) {
    return new CutRequest(afterBytes);
  }

  static Fault corruptAnswer() {
    return new CorruptAnswer();
  }

  /** A 200 with this body. */
  static Fault content(String contentType, String body) {
    return new Instead(
        http -> {
          byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
          http.getResponseHeaders().set("Content-Type", contentType);
          boolean head = http.getRequestMethod().equals("HEAD");
          http.sendResponseHeaders(200, head || bytes.length == 0 ? -1 : bytes.length);
          if (!head) {
            http.getResponseBody().write(bytes);
          }
        });
  }
}
