package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.InUse.Unparsable;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.PruneException.Code;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * References in a file: what {@code kubectl get -o json} writes, several of them one after the
 * other too, or a line each, in which {@code #} begins a comment.
 */
public final class UseFile {
  private UseFile() {}

  /**
   * @param name the file's, for messages and as who uses what its lines name
   * @throws PruneException INPUT_INVALID if it begins as JSON and is none, or is empty
   */
  public static InUse read(String name, byte[] bytes, List<Source> sources) throws PruneException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (text.isBlank()) {
      throw new PruneException(
          Code.INPUT_INVALID,
          name
              + " is empty: did the command that wrote it fail? It says nothing of what is in use");
    }
    return text.stripLeading().startsWith("{") || text.stripLeading().startsWith("[")
        ? json(name, bytes, sources)
        : lines(name, text).and(KubernetesUses.of(List.of(), sources));
  }

  private static InUse json(String name, byte[] bytes, List<Source> sources) throws PruneException {
    List<JsonNode> objects = new ArrayList<>();
    try (MappingIterator<JsonNode> documents =
        Json.mapper().readerFor(JsonNode.class).readValues(bytes)) {
      while (documents.hasNextValue()) {
        objects.add(documents.nextValue());
      }
    } catch (JsonProcessingException e) {
      throw new PruneException(
          Code.INPUT_INVALID, name + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new PruneException(Code.INPUT_INVALID, "cannot read " + name, e);
    }
    for (JsonNode object : objects) {
      if (!object.path("kind").isTextual() && !object.path("items").isArray()) {
        throw new PruneException(
            Code.INPUT_INVALID,
            name + " is not what kubectl get -o json writes: an object in it has no kind");
      }
    }
    return KubernetesUses.of(objects, sources);
  }

  private static InUse lines(String name, String text) {
    List<Use> uses = new ArrayList<>();
    List<Unparsable> unparsable = new ArrayList<>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      String reference = line.replaceFirst("(^|\\s)#.*", "").strip();
      String by = name + ":" + number;
      if (!reference.isEmpty()) {
        try {
          uses.add(Use.of(Reference.parse(reference), by));
        } catch (OciException e) {
          unparsable.add(new Unparsable(reference, by));
        }
      }
    }
    return new InUse(uses, unparsable, List.of(), List.of(), List.of(), List.of());
  }
}
