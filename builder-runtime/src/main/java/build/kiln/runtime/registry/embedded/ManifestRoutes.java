package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.registry.embedded.Contents.StoredManifest;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** {@code /v2/<name>/manifests/<tag or digest>}: HEAD, GET, PUT, DELETE. */
final class ManifestRoutes {
  private static final int LIMIT = 32 << 20;
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");

  private final Contents contents;
  private final boolean sparseIndexes;
  private final boolean referrers;

  ManifestRoutes(Contents contents, boolean sparseIndexes, boolean referrers) {
    this.contents = contents;
    this.sparseIndexes = sparseIndexes;
    this.referrers = referrers;
  }

  void handle(Exchange exchange, String repository, String reference) throws IOException, ApiError {
    boolean byDigest = reference.indexOf(':') >= 0;
    if (!byDigest && !TAG.matcher(reference).matches()) {
      throw new ApiError(400, "TAG_INVALID", "not a tag: " + reference);
    }
    Optional<String> tag = byDigest ? Optional.empty() : Optional.of(reference);
    switch (exchange.method()) {
      case "GET", "HEAD" -> {
        Digest digest = byDigest ? Exchange.digest(reference) : tagged(repository, reference);
        get(exchange, repository, digest);
      }
      case "PUT" -> put(exchange, repository, reference, tag);
      case "DELETE" -> {
        boolean deleted =
            byDigest
                ? contents.deleteManifest(repository, Exchange.digest(reference))
                : contents.deleteTag(repository, reference);
        if (!deleted) {
          throw unknown(repository, reference);
        }
        exchange.answer(202);
      }
      default -> throw new ApiError(405, "UNSUPPORTED", "not a method of manifests");
    }
  }

  private Digest tagged(String repository, String tag) throws ApiError {
    return contents.tag(repository, tag).orElseThrow(() -> unknown(repository, tag));
  }

  private ApiError unknown(String repository, String reference) {
    return contents.exists(repository)
        ? new ApiError(404, "MANIFEST_UNKNOWN", "manifest unknown: " + reference)
        : new ApiError(404, "NAME_UNKNOWN", "repository name not known to registry: " + repository);
  }

  private void get(Exchange exchange, String repository, Digest digest)
      throws IOException, ApiError {
    StoredManifest manifest =
        contents.find(repository, digest).orElseThrow(() -> unknown(repository, digest.toString()));
    String tag = "\"" + digest + "\"";
    exchange.set("Docker-Content-Digest", digest.toString()).set("ETag", tag);
    if (exchange.header("If-None-Match").filter(tag::equals).isPresent()) {
      exchange.answer(304);
      return;
    }
    exchange.answer(200, manifest.mediaType(), manifest.bytes());
  }

  private void put(Exchange exchange, String repository, String reference, Optional<String> tag)
      throws IOException, ApiError {
    byte[] bytes = exchange.body().readNBytes(LIMIT + 1);
    if (bytes.length > LIMIT) {
      throw new ApiError(413, "SIZE_INVALID", "the manifest is larger than " + LIMIT + " bytes");
    }
    Digest digest = Digest.ofBytes(bytes);
    if (tag.isEmpty()) {
      Digest wanted = Exchange.digest(reference);
      String hex = HexFormat.of().formatHex(wanted.newHash().digest(bytes));
      if (!wanted.hex().equals(hex)) {
        throw new ApiError(400, "DIGEST_INVALID", "the manifest's digest is another");
      }
      digest = wanted;
    }
    JsonNode document = parse(bytes);
    String type = mediaType(exchange, document);
    checkChildren(repository, document);
    contents.put(repository, new StoredManifest(digest, type, bytes), tag);
    JsonNode subject = document.path("subject").path("digest");
    if (referrers && subject.isTextual()) {
      exchange.set("OCI-Subject", subject.asText());
    }
    exchange
        .set("Location", "/v2/" + repository + "/manifests/" + digest)
        .set("Docker-Content-Digest", digest.toString())
        .answer(201);
  }

  private static JsonNode parse(byte[] bytes) throws ApiError {
    try {
      JsonNode document = Json.tree(bytes, "manifest");
      if (document.path("schemaVersion").asInt() != 2) {
        throw new ApiError(400, "MANIFEST_INVALID", "schemaVersion must be 2");
      }
      return document;
    } catch (OciException e) {
      throw new ApiError(400, "MANIFEST_INVALID", String.valueOf(e.getMessage()));
    }
  }

  private static String mediaType(Exchange exchange, JsonNode document) throws ApiError {
    String header = exchange.header("Content-Type").orElse("");
    String inside = document.path("mediaType").asText("");
    String sent = header.replaceFirst("\\s*;.*", "");
    if (sent.isEmpty() || (!inside.isEmpty() && !inside.equals(sent))) {
      throw new ApiError(
          400, "MANIFEST_INVALID", "Content-Type \"" + sent + "\" is not mediaType " + inside);
    }
    return sent;
  }

  /**
   * As distribution: what a manifest points at must be there, but for layers that live elsewhere.
   */
  private void checkChildren(String repository, JsonNode document) throws ApiError {
    List<JsonNode> blobs = new ArrayList<>();
    if (document.has("config")) {
      blobs.add(document.path("config"));
    }
    document.path("layers").forEach(blobs::add);
    for (JsonNode blob : blobs) {
      Digest digest = Exchange.digest(blob.path("digest").asText(""));
      boolean elsewhere = !blob.path("urls").isEmpty();
      if (!elsewhere && !contents.hasBlob(repository, digest)) {
        throw missing(digest);
      }
    }
    for (JsonNode child : document.path("manifests")) {
      Digest digest = Exchange.digest(child.path("digest").asText(""));
      if (!sparseIndexes && contents.find(repository, digest).isEmpty()) {
        throw missing(digest);
      }
    }
  }

  private static ApiError missing(Digest digest) {
    return new ApiError(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry: " + digest);
  }
}
