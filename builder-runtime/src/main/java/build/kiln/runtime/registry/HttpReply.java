package build.kiln.runtime.registry;

import build.kiln.runtime.http.Response;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** An answer whose body is still on the wire. */
final class HttpReply implements Closeable {
  private final URI uri;
  private final Response response;
  private final Duration pace;
  private Runnable onClose = () -> {};
  private boolean closed;

  /**
   * @param pace how long the body may come slower than {@link Pacing#SLOWEST}
   */
  HttpReply(URI uri, Response response, Duration pace) {
    this.uri = uri;
    this.pace = pace;
    this.response = response;
  }

  /** Where the answer came from, after redirects. */
  URI uri() {
    return uri;
  }

  int status() {
    return response.status();
  }

  Optional<String> header(String name) {
    return response.header(name);
  }

  List<String> headers(String name) {
    return response.headers(name);
  }

  /** The body's length as the server announced it. */
  OptionalLong contentLength() {
    return response.contentLength();
  }

  InputStream body() {
    return new Pacing(response.body(), pace, System::nanoTime);
  }

  /** The body, or its first {@code limit} bytes. */
  byte[] bytes(int limit) throws IOException {
    return body().readNBytes(limit);
  }

  /** Runs once, after the connection was given back. */
  void onClose(Runnable action) {
    onClose = action;
  }

  /** Gives the connection back, or drops it if much of the body is left. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        response.close();
      } finally {
        onClose.run();
      }
    }
  }
}
