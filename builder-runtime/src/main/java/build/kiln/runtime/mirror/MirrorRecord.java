package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The tags of a repository that one mirror wrote, with what it made them point at: an artifact in
 * that repository. It is where the tags are, so a mirror at a desk and one in a cluster know the
 * same; and where it is lost, nothing is deleted.
 */
final class MirrorRecord {
  private static final String TYPE = "application/vnd.kiln.mirror.v1+json";
  private static final Pattern TAG = Pattern.compile("kiln-mirror-[a-f0-9]{16}");
  private static final byte[] EMPTY = "{}".getBytes(StandardCharsets.UTF_8);
  private static final int MOST_BYTES = 16 << 20;

  private final RegistryClient client;
  private final Reference name;

  /**
   * @param identity tells one mirror from another
   */
  MirrorRecord(RegistryClient client, Reference repository, String identity) {
    this.client = client;
    String hash = Digest.ofBytes(identity.getBytes(StandardCharsets.UTF_8)).hex();
    this.name = repository.withTag("kiln-mirror-" + hash.substring(0, 16));
  }

  /** Whether a tag is a record's. */
  static boolean isTag(String tag) {
    return TAG.matcher(tag).matches();
  }

  /** What was written, by tag; nothing if there is no record. */
  Map<String, Digest> read() throws IOException {
    try {
      byte[] bytes = client.fetchManifest(name).bytes();
      Manifest manifest = Json.read(bytes, Manifest.JSON, "the record " + name);
      Map<String, Digest> tags = new TreeMap<>();
      for (Descriptor layer : manifest.layers()) {
        if (layer.mediaType().equals(TYPE) && layer.size() <= MOST_BYTES) {
          JsonNode document = content(layer);
          for (var tag : document.path("tags").properties()) {
            tags.put(tag.getKey(), Digest.parse(tag.getValue().asText()));
          }
        }
      }
      return tags;
    } catch (RegistryException e) {
      if (e.code() == RegistryException.Code.NOT_FOUND) {
        return new TreeMap<>();
      }
      throw e;
    } catch (OciException e) {
      throw new CopyException(
          CopyException.Reason.InvalidContent,
          "tried to read the mirror's record %s but %s; delete that tag, and nothing that was copied until now is deleted"
              .formatted(name, e.getMessage()),
          e);
    }
  }

  private JsonNode content(Descriptor layer) throws IOException {
    try (InputStream in = client.openBlob(name, layer)) {
      return Json.tree(in.readAllBytes(), "the record " + name);
    }
  }

  void write(Map<String, Digest> tags) throws IOException {
    ObjectNode document = Json.mapper().createObjectNode();
    ObjectNode all = document.putObject("tags");
    new TreeMap<>(tags).forEach((tag, digest) -> all.put(tag, digest.toString()));
    Descriptor config = client.pushMissingBlob(name, MediaTypes.OCI_EMPTY, EMPTY);
    Descriptor content = client.pushMissingBlob(name, TYPE, Json.write(document));
    Manifest manifest =
        new Manifest(2, MediaTypes.OCI_MANIFEST, TYPE, config, List.of(content), null, null);
    client.pushManifest(name, Json.write(manifest), MediaTypes.OCI_MANIFEST);
  }
}
