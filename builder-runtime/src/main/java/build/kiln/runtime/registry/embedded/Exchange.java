package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One request and its answer, in the distribution API's terms. */
final class Exchange {
  private final HttpExchange http;
  private final Map<String, List<String>> query = new LinkedHashMap<>();

  Exchange(HttpExchange http) {
    this.http = http;
    String raw = http.getRequestURI().getRawQuery();
    for (String pair : raw == null ? new String[0] : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = equals < 0 ? pair : pair.substring(0, equals);
      String value = equals < 0 ? "" : pair.substring(equals + 1);
      query.computeIfAbsent(decode(name), ignored -> new ArrayList<>()).add(decode(value));
    }
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }

  String method() {
    return http.getRequestMethod();
  }

  boolean isHead() {
    return method().equals("HEAD");
  }

  String path() {
    return http.getRequestURI().getPath();
  }

  Optional<String> parameter(String name) {
    return query.getOrDefault(name, List.of()).stream().findFirst();
  }

  List<String> parameters(String name) {
    return query.getOrDefault(name, List.of());
  }

  /** The page size asked for, or the given one; at most 1000. */
  int pageSize(int otherwise) throws ApiError {
    String n = parameter("n").orElse(Integer.toString(otherwise));
    if (!n.matches("[0-9]{1,9}")) {
      throw new ApiError(400, "PAGINATION_NUMBER_INVALID", "n is not a number");
    }
    return Math.min(1000, Integer.parseInt(n));
  }

  Optional<String> header(String name) {
    return Optional.ofNullable(http.getRequestHeaders().getFirst(name));
  }

  InputStream body() {
    return http.getRequestBody();
  }

  Exchange set(String name, String value) {
    http.getResponseHeaders().set(name, value);
    return this;
  }

  static Digest digest(String text) throws ApiError {
    try {
      return Digest.parse(text);
    } catch (OciException e) {
      throw new ApiError(400, "DIGEST_INVALID", String.valueOf(e.getMessage()));
    }
  }

  void answer(int status) throws IOException {
    http.sendResponseHeaders(status, -1);
  }

  void answer(int status, String contentType, byte[] bytes) throws IOException {
    set("Content-Type", contentType);
    try (OutputStream out = answer(status, bytes.length)) {
      out.write(bytes);
    }
  }

  /** For a HEAD only the headers go out, and what is written to the stream goes nowhere. */
  OutputStream answer(int status, long length) throws IOException {
    if (isHead()) {
      set("Content-Length", Long.toString(length));
      http.sendResponseHeaders(status, -1);
      return OutputStream.nullOutputStream();
    }
    // The JDK's server takes 0 for "of unknown length".
    http.sendResponseHeaders(status, length == 0 ? -1 : length);
    return length == 0 ? OutputStream.nullOutputStream() : http.getResponseBody();
  }

  void answerJson(int status, Object value) throws IOException {
    answer(status, "application/json", Json.write(value));
  }

  void answer(ApiError error) throws IOException {
    error.headers.forEach(this::set);
    Map<String, String> entry = new LinkedHashMap<>();
    entry.put("code", error.code);
    entry.put("message", String.valueOf(error.getMessage()));
    answerJson(error.status, Map.of("errors", List.of(entry)));
  }
}
