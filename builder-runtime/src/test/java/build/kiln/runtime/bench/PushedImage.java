package build.kiln.runtime.bench;

import build.kiln.runtime.differential.Image;
import build.kiln.runtime.differential.LayerEntries;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** What is in the registry after a build, read by other code than that which made it. */
final class PushedImage {
  private static final String TYPES =
      "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

  /** Where builders mount something and may leave traces, which are no difference in the work. */
  private static final List<String> MOUNT_POINTS =
      List.of("dev", "proc", "sys", "run", "etc/hosts", "etc/resolv.conf", "etc/hostname");

  private PushedImage() {}

  /** What is at each path: kind, mode, owner, content's hash or the link's target; no times. */
  static Map<String, String> files(int port, String repository, String tag) throws IOException {
    String url = "http://127.0.0.1:" + port + "/v2/" + repository;
    JsonNode manifest = json(url + "/manifests/" + tag);
    var layers = new ArrayList<List<LayerEntries.Entry>>();
    for (JsonNode layer : manifest.path("layers")) {
      if (!layer.path("mediaType").asText().endsWith("gzip")) {
        throw new IOException("a layer of another type: " + layer);
      }
      try (InputStream in = get(url + "/blobs/" + layer.path("digest").asText())) {
        layers.add(LayerEntries.read(in));
      }
    }
    var files = new TreeMap<String, String>();
    new Image(manifest, layers)
        .files()
        .forEach(
            (path, node) -> {
              if (MOUNT_POINTS.stream()
                  .noneMatch(m -> path.equals(m) || path.startsWith(m + "/"))) {
                var e = node.entry();
                files.put(
                    path,
                    "%s %04o %d:%d %s".formatted(e.kind(), e.mode(), e.uid(), e.gid(), e.rest()));
              }
            });
    return files;
  }

  private static JsonNode json(String url) throws IOException {
    try (InputStream in = get(url)) {
      return Objects.requireNonNull(Json.tree(in));
    }
  }

  private static InputStream get(String url) throws IOException {
    var connection = URI.create(url).toURL().openConnection();
    connection.setRequestProperty("Accept", TYPES);
    return connection.getInputStream();
  }

  /** The first paths at which two images differ, for people; empty if none. */
  static List<String> differences(Map<String, String> one, Map<String, String> other) {
    var paths = new java.util.TreeSet<>(one.keySet());
    paths.addAll(other.keySet());
    return paths.stream()
        .filter(path -> !Objects.equals(one.get(path), other.get(path)))
        .limit(10)
        .map(path -> "/" + path + ": " + one.get(path) + " and " + other.get(path))
        .toList();
  }
}
