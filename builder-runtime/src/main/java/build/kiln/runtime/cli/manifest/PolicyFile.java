package build.kiln.runtime.cli.manifest;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.runtime.cli.manifest.ManifestException.Code;
import build.kiln.runtime.cli.manifest.ManifestException.Problem;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A file with one ImagePrunePolicy. */
public final class PolicyFile {
  private static final String VERSION = ImageBuild.GROUP + "/" + ImageBuild.VERSION;
  private static final String KIND = "ImagePrunePolicy";

  private PolicyFile() {}

  /**
   * Reads a policy that an API server would accept.
   *
   * @param name the file's name, for messages
   * @param text YAML or JSON with exactly one document
   * @throws ManifestException if it is none, with every problem that was found
   */
  public static ImagePrunePolicy read(String name, byte[] text) {
    List<Tree> trees = YamlReader.read(name, new String(text, StandardCharsets.UTF_8));
    List<Document> documents =
        trees.stream()
            .flatMap(tree -> Document.of(tree).stream())
            .filter(d -> d.apiVersion().equals(VERSION) && d.kind().equals(KIND))
            .toList();
    if (documents.size() != 1 || trees.size() != 1) {
      throw new ManifestException(
          Code.NotOneBuild,
          name,
          trees.isEmpty() ? Place.START : trees.getFirst().place(),
          "want exactly one document, of apiVersion: %s and kind: %s".formatted(VERSION, KIND));
    }
    Document document = documents.getFirst();
    List<Problem> problems = SchemaCheck.problems(document.tree(), Schemas.prunePolicy());
    if (!problems.isEmpty()) {
      throw new ManifestException(Code.FieldInvalid, name, problems);
    }
    ObjectNode json = (ObjectNode) document.tree().json();
    json.remove("status");
    try {
      ImagePrunePolicy policy = Json.mapper().treeToValue(json, ImagePrunePolicy.class);
      if (policy.unreadable().isPresent()) {
        throw unreadable(name, document, policy.unreadable().get());
      }
      return policy;
    } catch (JsonProcessingException e) {
      throw unreadable(name, document, e.getOriginalMessage());
    }
  }

  private static ManifestException unreadable(String name, Document document, String why) {
    return new ManifestException(Code.FieldInvalid, name, document.place(), why);
  }
}
