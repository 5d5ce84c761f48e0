package build.kiln.runtime.registry;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;

/** An answer whose body is still on the wire. */
final class HttpReply implements Closeable {
  /** Bodies up to this size are read to their end on close, which keeps the connection. */
  private static final long CHEAP_TO_DRAIN = 16 * 1024;

  private final URI uri;
  private final ClassicHttpResponse response;
  private final Duration pace;
  private Runnable onClose = () -> {};
  private boolean closed;

  /**
   * @param pace how long the body may come slower than {@link Pacing#SLOWEST}
   */
  HttpReply(URI uri, ClassicHttpResponse response, Duration pace) {
    this.uri = uri;
    this.pace = pace;
    this.response = response;
  }

  /** Where the answer came from, after redirects. */
  URI uri() {
    return uri;
  }

  int status() {
    return response.getCode();
  }

  Optional<String> header(String name) {
    return Optional.ofNullable(response.getFirstHeader(name)).map(h -> h.getValue().strip());
  }

  List<String> headers(String name) {
    return Arrays.stream(response.getHeaders(name)).map(Header::getValue).toList();
  }

  /** The body's length as the server announced it. */
  OptionalLong contentLength() {
    String text = header("Content-Length").orElse("");
    return text.matches("[0-9]{1,18}")
        ? OptionalLong.of(Long.parseLong(text))
        : OptionalLong.empty();
  }

  InputStream body() throws IOException {
    HttpEntity entity = response.getEntity();
    return entity == null
        ? InputStream.nullInputStream()
        : new Pacing(entity.getContent(), pace, System::nanoTime);
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
    if (closed) {
      return;
    }
    closed = true;
    try {
      OptionalLong length = contentLength();
      if (response.getEntity() != null
          && length.isPresent()
          && length.getAsLong() <= CHEAP_TO_DRAIN) {
        body().transferTo(OutputStream.nullOutputStream());
      }
    } catch (IOException e) {
      // The answer was read as far as it mattered; the connection goes with the close below.
    } finally {
      try {
        response.close();
      } catch (IOException e) {
        // As above.
      }
      onClose.run();
    }
  }
}
