package build.kiln.runtime.http;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request.
 *
 * @param target path and query, escaped; sent as it is
 * @param authority what {@code Host} says
 * @param headers besides {@code Host}, and {@code Content-Length} or {@code Transfer-Encoding}
 */
public record Request(
    String method,
    String target,
    String authority,
    Map<String, String> headers,
    @Nullable Content content) {

  /** What is sent after the head. */
  public interface Content {
    /** In bytes; -1 for as many as there are, sent in chunks (RFC 9112, 7.1). */
    long length();

    /**
     * Writes exactly that many bytes; what it throws breaks the exchange.
     *
     * @throws IOException as {@code out} does, or if there are no more to be had
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /** Whether to send it twice is as good as once, for there is nothing but its head. */
  boolean isRead() {
    return content == null && (method.equals("GET") || method.equals("HEAD"));
  }

  /**
   * The head as it goes over the wire (RFC 9112, 3).
   *
   * @param proxy which is sent it instead of the host: it wants a whole URL, and its credentials
   * @throws IllegalArgumentException if one of its parts has a line end
   */
  String head(Route.@Nullable Proxy proxy) {
    var head = new StringBuilder(512);
    head.append(line(method)).append(' ');
    if (proxy != null) {
      head.append("http://").append(authority);
    }
    head.append(line(target)).append(" HTTP/1.1\r\nHost: ").append(line(authority));
    headers.forEach(
        (name, value) -> head.append("\r\n").append(line(name)).append(": ").append(line(value)));
    if (proxy != null && proxy.authorization() != null) {
      head.append("\r\nProxy-Authorization: ").append(line(proxy.authorization()));
    }
    if (content != null && content.length() < 0) {
      head.append("\r\nTransfer-Encoding: chunked");
    } else if (content != null) {
      head.append("\r\nContent-Length: ").append(content.length());
    } else if (method.equals("POST") || method.equals("PUT") || method.equals("PATCH")) {
      head.append("\r\nContent-Length: 0");
    }
    return head.append("\r\n\r\n").toString();
  }

  /** The text, which must not end the line that it becomes a part of. */
  private static String line(String text) {
    if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
      throw new IllegalArgumentException("a line end in the head of an HTTP request");
    }
    return text;
  }
}
