package build.kiln.runtime.cluster;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.Sleeper;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Calls of the Kubernetes API, in JSON. Failures that may pass are tried again; so whatever changes
 * an object must name the version that it changes, or be a creation.
 */
public final class ClusterApi implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration ANSWER = Duration.ofSeconds(60);
  private static final int ATTEMPTS = 4;
  private static final int RESTARTS = 5;
  private static final int GONE = 410;

  /** Items in one answer: some MB of pods. */
  private static final String PAGE = "500";

  private final ClusterAccess access;
  private final HttpClient client;
  private final Sleeper sleeper;

  public ClusterApi(ClusterAccess access, Sleeper sleeper) {
    this.access = access;
    this.sleeper = sleeper;
    HttpClient.Builder builder =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT);
    if (access.tls() != null) {
      builder.sslContext(access.tls());
    }
    this.client = builder.build();
  }

  /** The namespace of who asks. */
  public String namespace() {
    return access.namespace();
  }

  /**
   * Lists a collection in pages. If a list grows so old on the way that the server has forgotten
   * it, it is begun again: pages come twice then, or more often.
   *
   * @param path such as {@code /api/v1/pods}
   * @param query such as a label selector
   * @param page gets each answer, a list with {@code items}
   * @throws ClusterException if it is refused, or fails
   */
  public void list(String path, Map<String, String> query, Consumer<JsonNode> page)
      throws IOException {
    for (int start = 0; ; start++) {
      try {
        listOnce(path, query, page);
        return;
      } catch (ClusterException e) {
        if (e.status() != GONE || start == RESTARTS) {
          throw e;
        }
      }
    }
  }

  private void listOnce(String path, Map<String, String> query, Consumer<JsonNode> page)
      throws IOException {
    String next = "";
    do {
      Map<String, String> parameters = new TreeMap<>(query);
      parameters.putIfAbsent("limit", PAGE);
      if (!next.isEmpty()) {
        parameters.put("continue", next);
      }
      String doing = "list " + path;
      JsonNode list = required(doing, "GET", path + query(parameters), null);
      if (!list.path("items").isArray()) {
        throw new ClusterException(
            "tried to " + doing + " but the answer is no list", HttpStatus.OK, null);
      }
      page.accept(list);
      next = list.path("metadata").path("continue").asText("");
    } while (!next.isEmpty());
  }

  /** Reads an object. */
  public JsonNode get(String path) throws IOException {
    return required("read " + path, "GET", path, null);
  }

  /**
   * Creates an object.
   *
   * @param path of its collection
   * @return false if one of its name is there
   */
  public boolean create(String path, JsonNode object) throws IOException {
    return change("create an object in " + path, "POST", path, object, Set.of(HttpStatus.CONFLICT));
  }

  /**
   * Replaces an object.
   *
   * @param object with the {@code metadata.resourceVersion} that it must have now
   * @return false if it has another, or is not there
   */
  public boolean replace(String path, JsonNode object) throws IOException {
    return change(
        "write " + path, "PUT", path, object, Set.of(HttpStatus.CONFLICT, HttpStatus.NOT_FOUND));
  }

  /**
   * Deletes an object.
   *
   * @param resourceVersion that it must have
   * @return false if it has another, or is not there
   */
  public boolean delete(String path, String resourceVersion) throws IOException {
    var options = Json.mapper().createObjectNode();
    options.put("apiVersion", "v1").put("kind", "DeleteOptions");
    options.putObject("preconditions").put("resourceVersion", resourceVersion);
    return change(
        "delete " + path,
        "DELETE",
        path,
        options,
        Set.of(HttpStatus.CONFLICT, HttpStatus.NOT_FOUND));
  }

  private boolean change(
      String doing, String method, String path, JsonNode body, Set<Integer> refusals)
      throws IOException {
    return !refusals.contains(send(doing, method, path, body, refusals).status());
  }

  private JsonNode required(String doing, String method, String path, @Nullable JsonNode body)
      throws IOException {
    return send(doing, method, path, body, Set.of()).body();
  }

  private record Answer(int status, JsonNode body) {}

  /**
   * @param expected statuses besides success that are an answer
   */
  private Answer send(
      String doing, String method, String path, @Nullable JsonNode body, Set<Integer> expected)
      throws IOException {
    for (int attempt = 1; ; attempt++) {
      Duration wait = Duration.ofMillis(250L << attempt);
      ClusterException failure;
      try {
        HttpResponse<InputStream> response = once(method, path, body);
        Answer answer = read(doing, response);
        if (HttpStatus.isSuccess(answer.status) || expected.contains(answer.status)) {
          return answer;
        }
        failure = refused(doing, answer);
        wait = retryAfter(response).orElse(wait);
      } catch (InterruptedIOException e) {
        throw e;
      } catch (ClusterException e) {
        failure = e;
      } catch (IOException e) {
        failure = new ClusterException("tried to %s but %s".formatted(doing, reason(e)), 0, e);
      }
      if (!failure.retryable() || attempt == ATTEMPTS) {
        throw failure;
      }
      sleep(doing, wait);
    }
  }

  private HttpResponse<InputStream> once(String method, String path, @Nullable JsonNode body)
      throws IOException {
    BodyPublisher content =
        body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(Json.write(body));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(access.server() + path))
            .timeout(ANSWER)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + access.token().now())
            .header("User-Agent", "kiln")
            .method(method, content)
            .build();
    try {
      return client.send(request, BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted(method + " " + path);
    }
  }

  private static Answer read(String doing, HttpResponse<InputStream> response) throws IOException {
    try (InputStream in = response.body()) {
      return new Answer(response.statusCode(), Json.tree(in));
    } catch (JsonProcessingException e) {
      throw new ClusterException(
          "tried to %s but the answer, of status %d, is not JSON"
              .formatted(doing, response.statusCode()),
          HttpStatus.isSuccess(response.statusCode()) ? 0 : response.statusCode(),
          e);
    }
  }

  private static ClusterException refused(String doing, Answer answer) {
    String said = answer.body.path("message").asText("");
    return new ClusterException(
        "tried to %s but the API answered %d%s"
            .formatted(doing, answer.status, said.isEmpty() ? "" : ": " + said),
        answer.status,
        null);
  }

  private static Optional<Duration> retryAfter(HttpResponse<?> response) {
    return response
        .headers()
        .firstValue("Retry-After")
        .filter(seconds -> seconds.matches("[0-9]{1,2}"))
        .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)));
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? "it failed: " + e.getClass().getSimpleName() : e.getMessage();
  }

  private void sleep(String doing, Duration wait) throws InterruptedIOException {
    try {
      sleeper.sleep(wait);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted(doing);
    }
  }

  private static InterruptedIOException interrupted(String doing) {
    return new InterruptedIOException("interrupted while trying to " + doing);
  }

  private static String query(Map<String, String> parameters) {
    return parameters.entrySet().stream()
        .map(e -> encoded(e.getKey()) + "=" + encoded(e.getValue()))
        .collect(Collectors.joining("&", "?", ""));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  @Override
  public void close() {
    client.close();
  }

  /** The statuses that mean something here. */
  private static final class HttpStatus {
    static final int OK = 200;
    static final int NOT_FOUND = 404;
    static final int CONFLICT = 409;

    static boolean isSuccess(int status) {
      return status >= 200 && status < 300;
    }

    private HttpStatus() {}
  }
}
