package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What pruning needs to know of a manifest or index. It depends on the digest alone, so it is kept
 * forever.
 *
 * @param size of the document, in bytes
 * @param children what an index lists: images of all platforms, attestations, other indexes
 * @param subject what it is a referrer of, such as the image that it signs
 * @param blobs configuration and layers, without those that are fetched from elsewhere
 * @param config the digest of the image's configuration, by which docker names images
 * @param annotations of the document
 * @param labels of the image's configuration; null if nobody has looked yet
 */
public record ManifestFacts(
    Digest digest,
    String mediaType,
    long size,
    List<Digest> children,
    @Nullable Digest subject,
    List<Blob> blobs,
    @Nullable Digest config,
    Map<String, String> annotations,
    @Nullable Map<String, String> labels) {

  public ManifestFacts {
    children = List.copyOf(children);
    blobs = List.copyOf(blobs);
    annotations = Map.copyOf(annotations);
    labels = labels == null ? null : Map.copyOf(labels);
  }

  /**
   * Reads a document.
   *
   * @throws OciException if it is no manifest, or points at what is no digest
   */
  public static ManifestFacts read(Digest digest, String mediaType, byte[] bytes) {
    String what = "manifest " + digest;
    JsonNode document = Json.tree(bytes, what);
    if (!document.isObject()) {
      throw new OciException(what + " is not an object");
    }
    List<Digest> children = new ArrayList<>();
    for (JsonNode child : document.path("manifests")) {
      children.add(digestOf(child, what));
    }
    List<Blob> blobs = new ArrayList<>();
    @Nullable Digest config = null;
    if (document.hasNonNull("config")) {
      config = digestOf(document.get("config"), what);
      blobs.add(new Blob(config, document.get("config").path("size").asLong()));
    }
    for (String field : List.of("layers", "blobs")) {
      for (JsonNode layer : document.path(field)) {
        if (layer.path("urls").isEmpty()) {
          blobs.add(new Blob(digestOf(layer, what), layer.path("size").asLong()));
        }
      }
    }
    JsonNode subject = document.path("subject");
    return new ManifestFacts(
        digest,
        mediaType,
        bytes.length,
        children,
        subject.isObject() ? digestOf(subject, what) : null,
        blobs,
        config,
        texts(document.path("annotations")),
        null);
  }

  private static Digest digestOf(JsonNode descriptor, String what) {
    String text = descriptor.path("digest").asText("");
    if (text.isEmpty()) {
      throw new OciException(what + " has a descriptor without a digest");
    }
    return Digest.parse(text);
  }

  static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new TreeMap<>();
    object.properties().forEach(e -> texts.put(e.getKey(), e.getValue().asText()));
    return texts;
  }

  /** Whether it lists other manifests. */
  @JsonIgnore
  public boolean isIndex() {
    return !children.isEmpty() || mediaType.endsWith("index.v1+json") || mediaType.contains("list");
  }

  /** Whether its labels are known, or it has no image configuration that could have any. */
  public boolean labelsKnown() {
    return labels != null || config == null;
  }

  ManifestFacts withLabels(Map<String, String> found) {
    return new ManifestFacts(
        digest, mediaType, size, children, subject, blobs, config, annotations, found);
  }

  /** The value of a label, or of an annotation of that name. */
  Optional<String> label(String key) {
    if (labels != null && labels.containsKey(key)) {
      return Optional.of(labels.get(key));
    }
    return Optional.ofNullable(annotations.get(key));
  }
}
