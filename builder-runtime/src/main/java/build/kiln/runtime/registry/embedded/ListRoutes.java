package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.registry.embedded.Contents.StoredManifest;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Lists: tags, the catalog, and the referrers of a manifest. */
final class ListRoutes {
  private final Contents contents;

  ListRoutes(Contents contents) {
    this.contents = contents;
  }

  void tags(Exchange exchange, String repository) throws IOException, ApiError {
    if (!contents.exists(repository)) {
      throw new ApiError(404, "NAME_UNKNOWN", "repository name not known to registry");
    }
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("name", repository);
    answer.put(
        "tags", page(exchange, "/v2/" + repository + "/tags/list", contents.tags(repository)));
    exchange.answerJson(200, answer);
  }

  void catalog(Exchange exchange) throws IOException, ApiError {
    List<String> page = page(exchange, "/v2/_catalog", contents.repositories());
    exchange.answerJson(200, Map.of("repositories", page));
  }

  /** Those after {@code last}, at most {@code n}, with a Link if there are more. */
  private static List<String> page(Exchange exchange, String path, List<String> sorted)
      throws ApiError {
    int size = exchange.pageSize(1000);
    String last = exchange.parameter("last").orElse("");
    List<String> rest = sorted.stream().filter(name -> name.compareTo(last) > 0).toList();
    if (rest.size() <= size) {
      return rest;
    }
    List<String> page = rest.subList(0, size);
    if (size > 0) {
      String next = URLEncoder.encode(page.getLast(), StandardCharsets.UTF_8);
      exchange.set("Link", "<" + path + "?last=" + next + "&n=" + size + ">; rel=\"next\"");
    }
    return page;
  }

  /**
   * Manifests with this subject (distribution-spec 1.1, end-12); an empty index if there are none.
   */
  void referrers(Exchange exchange, String repository, String reference)
      throws IOException, ApiError {
    Digest subject = Exchange.digest(reference);
    Optional<String> wanted = exchange.parameter("artifactType");
    List<Descriptor> found = new ArrayList<>();
    for (StoredManifest manifest : contents.manifests(repository)) {
      JsonNode document = Json.tree(manifest.bytes(), "manifest");
      if (!document.path("subject").path("digest").asText("").equals(subject.toString())) {
        continue;
      }
      String type = artifactType(document);
      if (wanted.isEmpty() || wanted.get().equals(type)) {
        found.add(describe(manifest, document, type));
      }
    }
    wanted.ifPresent(type -> exchange.set("OCI-Filters-Applied", "artifactType"));
    Index index = new Index(2, MediaTypes.OCI_INDEX, null, found, null, null);
    exchange.answer(200, MediaTypes.OCI_INDEX, Json.write(index));
  }

  private static String artifactType(JsonNode document) {
    String type = document.path("artifactType").asText("");
    return type.isEmpty() ? document.path("config").path("mediaType").asText("") : type;
  }

  private static Descriptor describe(StoredManifest manifest, JsonNode document, String type) {
    Map<String, String> annotations = new HashMap<>();
    document
        .path("annotations")
        .properties()
        .forEach(entry -> annotations.put(entry.getKey(), entry.getValue().asText()));
    @Nullable Map<String, String> shown = annotations.isEmpty() ? null : annotations;
    return new Descriptor(
        manifest.mediaType(),
        manifest.digest(),
        manifest.bytes().length,
        null,
        shown,
        null,
        null,
        type.isEmpty() ? null : type);
  }
}
