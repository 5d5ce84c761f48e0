package build.kiln.operator.quickstart;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toCollection;

import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Answers what kubectl asks before it does anything, the API's groups and resources, which
 * fabric8's server does not know. All else goes on to that server.
 */
final class Discovery extends Dispatcher {
  private final Dispatcher next;
  private final Map<String, String> documents = new TreeMap<>();

  Discovery(List<ServedResource> resources, Dispatcher next) {
    this.next = next;
    documents.put("/api", json(Map.of("kind", "APIVersions", "versions", List.of("v1"))));
    documents.put("/apis", json(groupList(resources)));
    resources.stream()
        .collect(
            groupingBy(
                ServedResource::listPath, LinkedHashMap::new, toCollection(LinkedHashSet::new)))
        .forEach(
            (path, list) ->
                documents.put(
                    path,
                    json(
                        Map.of(
                            "kind",
                            "APIResourceList",
                            "apiVersion",
                            "v1",
                            "groupVersion",
                            list.getFirst().groupVersion(),
                            "resources",
                            list.stream().map(ServedResource::toDiscovery).toList()))));
  }

  @Override
  public MockResponse dispatch(RecordedRequest request) {
    @Nullable String document =
        request.getMethod().equals("GET") ? documents.get(pathOf(request)) : null;
    return document == null
        ? next.dispatch(request)
        : new MockResponse()
            .setResponseCode(200)
            .setHeader("Content-Type", "application/json")
            .setBody(document);
  }

  @Override
  public void shutdown() {
    next.shutdown();
  }

  @Override
  public void releaseResources() {
    next.releaseResources();
  }

  private static String pathOf(RecordedRequest request) {
    String path = request.getPath();
    int query = path.indexOf('?');
    return query < 0 ? path : path.substring(0, query);
  }

  private static Map<String, Object> groupList(List<ServedResource> resources) {
    var groups =
        resources.stream()
            .filter(resource -> !resource.group().isEmpty())
            .map(
                resource -> {
                  var version =
                      Map.of(
                          "groupVersion", resource.groupVersion(), "version", resource.version());
                  return Map.<String, Object>of(
                      "name", resource.group(),
                      "versions", List.of(version),
                      "preferredVersion", version);
                })
            .distinct()
            .toList();
    return Map.of("kind", "APIGroupList", "apiVersion", "v1", "groups", groups);
  }

  private static String json(Object value) {
    return Serialization.asJson(value);
  }
}
