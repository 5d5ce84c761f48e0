package build.kiln.runtime.registry;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP request.
 *
 * @param silence how long to wait for the answer after the request's last byte; null for the usual
 */
record HttpCall(
    String method,
    URI uri,
    Map<String, String> headers,
    @Nullable Body body,
    @Nullable Duration silence) {

  /**
   * What a request carries: exactly this many bytes of the source, opened for each sending.
   *
   * @param length -1 for as many as there are, sent in HTTP's chunks (RFC 9112, 7.1)
   */
  record Body(String contentType, long length, BlobSource source) {
    static Body of(String contentType, byte[] bytes) {
      return new Body(contentType, bytes.length, BlobSource.of(bytes));
    }
  }

  HttpCall {
    headers = Map.copyOf(headers);
  }

  static HttpCall of(String method, URI uri, Map<String, String> headers) {
    return new HttpCall(method, uri, headers, null, null);
  }

  HttpCall withAuthorization(Optional<String> value) {
    if (value.isEmpty()) {
      return this;
    }
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put("Authorization", value.get());
    return new HttpCall(method, uri, more, body, silence);
  }

  /** The same request for another place; without credentials if it is another origin. */
  HttpCall to(URI target) {
    Map<String, String> kept = new LinkedHashMap<>(headers);
    if (!Origin.of(uri).equals(Origin.of(target))) {
      kept.remove("Authorization");
    }
    return new HttpCall(method, target, kept, body, silence);
  }
}
