package build.kiln.runtime.cluster;

import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * The part of the Kubernetes API that {@link ClusterApi} speaks: lists in pages, by label; objects
 * with versions that are compared; discovery of what was put there; and faults.
 */
public final class FakeCluster implements AutoCloseable {
  private static final int LARGEST_OBJECT = 1 << 20;

  /** An answer in the place of the right one. */
  public record Fault(String pathEnd, Predicate<String> query, int status, int[] times) {}

  private final HttpServer server;
  private final Map<String, Map<String, ObjectNode>> collections = new ConcurrentHashMap<>();
  private final List<Fault> faults = new CopyOnWriteArrayList<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private long version = 100;

  public static FakeCluster start() {
    try {
      return new FakeCluster(
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private FakeCluster(HttpServer server) {
    this.server = server;
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::handle);
    server.start();
    for (String path :
        List.of(
            "/api/v1/pods",
            "/api/v1/replicationcontrollers",
            "/api/v1/podtemplates",
            "/apis/apps/v1/replicasets",
            "/apis/apps/v1/deployments",
            "/apis/apps/v1/statefulsets",
            "/apis/apps/v1/daemonsets",
            "/apis/apps/v1/controllerrevisions",
            "/apis/batch/v1/jobs",
            "/apis/batch/v1/cronjobs",
            "/apis/kiln.build/v1alpha1/imagebuilds",
            "/apis/kiln.build/v1alpha1/imagemirrors",
            "/apis/kiln.build/v1alpha1/imageprunepolicies")) {
      collections.put(path, new TreeMap<>());
    }
  }

  public ClusterApi api() {
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    return new ClusterApi(new ClusterAccess(uri, null, () -> "token", "kiln"), wait -> {});
  }

  /** Puts an object, of one quote in the place of two, into a collection such as {@code pods}. */
  public void put(String collection, String json) throws IOException {
    ObjectNode object = (ObjectNode) Json.tree(json.replace('\'', '"'));
    store(collection, object);
  }

  /** Removes all objects of a collection; it is there still. */
  public synchronized void remove(String collection) {
    collections.put(collection, new TreeMap<>());
  }

  private synchronized void store(String collection, ObjectNode object) {
    ObjectNode metadata = object.withObject("/metadata");
    metadata.put("resourceVersion", Long.toString(++version));
    String key = metadata.path("namespace").asText("") + "/" + metadata.path("name").asText("");
    collections.computeIfAbsent(collection, ignored -> new TreeMap<>()).put(key, object);
  }

  /** Lets an answer fail, so many times. */
  public void fail(String pathEnd, Predicate<String> query, int status, int times) {
    faults.add(new Fault(pathEnd, query, status, new int[] {times}));
  }

  /** Method, path and query of each request. */
  public List<String> requests() {
    return requests;
  }

  /** The objects of a collection. */
  public synchronized List<ObjectNode> objects(String collection) {
    return List.copyOf(collections.getOrDefault(collection, Map.of()).values());
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      URI uri = exchange.getRequestURI();
      String query = uri.getQuery() == null ? "" : uri.getQuery();
      requests.add(exchange.getRequestMethod() + " " + uri.getPath() + "?" + query);
      if (!"Bearer token".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
        answer(exchange, 401, status("Unauthorized"));
        return;
      }
      for (Fault fault : faults) {
        if (uri.getPath().endsWith(fault.pathEnd) && fault.query.test(query) && take(fault)) {
          answer(exchange, fault.status, status("it fails"));
          return;
        }
      }
      byte[] body;
      try (InputStream in = exchange.getRequestBody()) {
        body = in.readAllBytes();
      }
      serve(exchange, uri.getPath(), parameters(uri), body);
    } catch (RuntimeException e) {
      e.printStackTrace();
      throw e;
    }
  }

  private static synchronized boolean take(Fault fault) {
    return fault.times[0]-- > 0;
  }

  private synchronized void serve(
      HttpExchange exchange, String path, Map<String, String> parameters, byte[] body)
      throws IOException {
    int slash = path.lastIndexOf('/');
    String parent = path.substring(0, slash);
    String name = path.substring(slash + 1);
    String[] parts = path.split("/");
    // /api/v1/namespaces/NAMESPACE/configmaps[/NAME]
    boolean namespaced = path.contains("/namespaces/");
    String collection = namespaced ? parts[1] + "/" + parts[2] : "";
    if (namespaced) {
      collection = "/" + collection + "/" + parts[5];
      String key = parts.length > 6 ? parts[4] + "/" + parts[6] : "";
      change(exchange, collection, key, parameters, body);
    } else if (collections.containsKey(path)) {
      list(exchange, path, "", parameters);
    } else {
      discover(exchange, parent, name, path);
    }
  }

  private void change(
      HttpExchange exchange,
      String collection,
      String key,
      Map<String, String> parameters,
      byte[] body)
      throws IOException {
    Map<String, ObjectNode> objects =
        collections.computeIfAbsent(collection, ignored -> new TreeMap<>());
    JsonNode sent = body.length == 0 ? Json.mapper().nullNode() : Json.tree(body);
    if (body.length > LARGEST_OBJECT * 3 / 2) {
      answer(exchange, 413, status("too large"));
      return;
    }
    switch (exchange.getRequestMethod()) {
      case "POST" -> {
        String name = "kiln/" + sent.path("metadata").path("name").asText();
        if (objects.containsKey(name)) {
          answer(exchange, 409, status("already exists"));
        } else {
          store(collection, (ObjectNode) sent);
          answer(exchange, 201, sent);
        }
      }
      case "PUT", "DELETE" -> {
        ObjectNode there = objects.get(key);
        String wanted =
            sent.path("metadata")
                .path("resourceVersion")
                .asText(sent.path("preconditions").path("resourceVersion").asText(""));
        if (there == null) {
          answer(exchange, 404, status("not found"));
        } else if (!there.path("metadata").path("resourceVersion").asText().equals(wanted)) {
          answer(exchange, 409, status("the object has been modified"));
        } else if (exchange.getRequestMethod().equals("PUT")) {
          store(collection, (ObjectNode) sent);
          answer(exchange, 200, sent);
        } else {
          objects.remove(key);
          answer(exchange, 200, status("deleted"));
        }
      }
      default -> {
        list(exchange, collection, "kiln/", parameters);
      }
    }
  }

  private void list(
      HttpExchange exchange, String collection, String prefix, Map<String, String> parameters)
      throws IOException {
    Map<String, String> wanted = new HashMap<>();
    for (String label : parameters.getOrDefault("labelSelector", "").split(",")) {
      if (!label.isEmpty()) {
        wanted.put(label.split("=", 2)[0], label.split("=", 2)[1]);
      }
    }
    // A list goes on behind the last name: what is removed meanwhile moves nothing.
    String after = parameters.getOrDefault("continue", "");
    SortedMap<String, ObjectNode> all = new TreeMap<>();
    collections
        .getOrDefault(collection, Map.of())
        .forEach(
            (key, object) -> {
              JsonNode labels = object.path("metadata").path("labels");
              if (key.startsWith(prefix)
                  && key.compareTo(after) > 0
                  && wanted.entrySet().stream()
                      .allMatch(l -> labels.path(l.getKey()).asText().equals(l.getValue()))) {
                all.put(key, object);
              }
            });
    int limit = Integer.parseInt(parameters.getOrDefault("limit", "500"));
    List<String> page = all.keySet().stream().limit(limit).toList();
    String plural = collection.substring(collection.lastIndexOf('/') + 1);
    ObjectNode list = Json.mapper().createObjectNode();
    list.put("kind", kind(plural) + "List");
    list.put(
        "apiVersion",
        collection.substring(0, collection.lastIndexOf('/')).replaceFirst("^/(apis|api)/", ""));
    ObjectNode metadata = list.putObject("metadata");
    if (page.size() < all.size()) {
      metadata.put("continue", page.getLast());
    }
    var items = list.putArray("items");
    page.forEach(key -> items.add(all.get(key)));
    answer(exchange, 200, list);
  }

  private static String kind(String plural) {
    Map<String, String> kinds =
        Map.of(
            "replicasets", "ReplicaSet",
            "replicationcontrollers", "ReplicationController",
            "podtemplates", "PodTemplate",
            "statefulsets", "StatefulSet",
            "daemonsets", "DaemonSet",
            "controllerrevisions", "ControllerRevision",
            "cronjobs", "CronJob",
            "configmaps", "ConfigMap");
    String one = plural.substring(0, plural.length() - 1);
    return kinds.getOrDefault(plural, Character.toUpperCase(one.charAt(0)) + one.substring(1));
  }

  private void discover(HttpExchange exchange, String parent, String name, String path)
      throws IOException {
    ObjectNode found = Json.mapper().createObjectNode();
    found.put("kind", "APIResourceList");
    var resources = found.putArray("resources");
    boolean any = false;
    for (String collection : collections.keySet()) {
      if (collection.startsWith(path + "/")) {
        any = true;
        String plural = collection.substring(path.length() + 1);
        resources.addObject().put("name", plural).put("kind", kind(plural));
        resources.addObject().put("name", plural + "/status").put("kind", kind(plural));
      }
    }
    answer(exchange, any ? 200 : 404, any ? found : status(parent + " has no " + name));
  }

  private static Map<String, String> parameters(URI uri) {
    Map<String, String> parameters = new HashMap<>();
    if (uri.getRawQuery() != null) {
      for (String pair : uri.getRawQuery().split("&")) {
        String[] parts = pair.split("=", 2);
        parameters.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
      }
    }
    return parameters;
  }

  private static ObjectNode status(String message) {
    return Json.mapper().createObjectNode().put("kind", "Status").put("message", message);
  }

  private static void answer(HttpExchange exchange, int status, JsonNode body) throws IOException {
    byte[] bytes = Json.write(body);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    // The JDK's server now and then closes a connection on which the next request is coming.
    exchange.getResponseHeaders().add("Connection", "close");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
