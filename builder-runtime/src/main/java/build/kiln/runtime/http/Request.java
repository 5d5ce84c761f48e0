package build.kiln.runtime.http;

import java.io.IOException;
import java.io.OutputStream;
import java.net.ProtocolException;
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

  /** The method by which a proxy is asked for a tunnel (RFC 9110, 9.3.6). */
  static final String CONNECT = "CONNECT";

  /** Without headers, which have secrets. */
  @Override
  public String toString() {
    return method + " " + target;
  }

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
  boolean isRepeatable() {
    return content == null && (method.equals("GET") || method.equals("HEAD"));
  }

  /**
   * The head as it goes over the wire (RFC 9112, 3).
   *
   * @param proxy which is sent it instead of the host: it wants its credentials, and a whole URL if
   *     it is not to make a tunnel
   * @throws ProtocolException if one of its parts has a line end
   */
  String head(Route.@Nullable Proxy proxy) throws ProtocolException {
    var head = new StringBuilder(512);
    head.append(line(method)).append(' ');
    if (proxy != null && !method.equals(CONNECT)) {
      head.append("http://").append(authority);
    }
    head.append(line(target)).append(" HTTP/1.1\r\nHost: ").append(line(authority));
    for (Map.Entry<String, String> header : headers.entrySet()) {
      head.append("\r\n").append(line(header.getKey()));
      head.append(": ").append(line(header.getValue()));
    }
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
  private static String line(String text) throws ProtocolException {
    if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
      throw new ProtocolException("the head of a request must not have a line end in it");
    }
    return text;
  }
}
