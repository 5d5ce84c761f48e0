package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.StoreException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Adds images to OCI image layouts in folders, as skopeo and umoci do: blobs first, then the
 * layout's index, in which a name that is there gets another image. What else is in the layout
 * stays as it is.
 */
public final class LayoutFolder {
  /** Where an entry has its name (RFC 6901). */
  private static final String NAME = "/annotations/org.opencontainers.image.ref.name";

  /**
   * Adds an image. Blobs that are there are not written again.
   *
   * @param folder a layout, or an empty or missing folder
   * @throws StoreException EXISTS if the folder has other things in it; NOT_FOUND if a blob of the
   *     image is missing; CONTENT_MISMATCH if one is damaged
   */
  public static void add(LocalStore store, NamedImage image, Path folder) throws IOException {
    Path index = folder.resolve("index.json");
    if (!Files.isRegularFile(index)) {
      Unfinished.folder(
          folder,
          temp -> ImageLayout.write(store, List.of(image), Map.of(), LayoutTarget.folder(temp)));
      return;
    }
    ObjectNode before = read(index);
    for (Descriptor blob : ImageLayout.blobs(store, image.root())) {
      Path file = folder.resolve(ImageLayout.path(blob.digest()));
      if (!Files.isRegularFile(file) || Files.size(file) != blob.size()) {
        Files.createDirectories(file.getParent());
        Unfinished.file(
            file,
            out -> {
              try (var content = new VerifiedBlob(store.open(blob.digest()), blob)) {
                content.transferTo(out);
              }
            });
      }
    }
    ArrayNode manifests = before.withArray("manifests");
    for (Descriptor entry : image.entries()) {
      JsonNode added = Descriptor.JSON.write(entry);
      removeReplaced(manifests, added);
      manifests.add(added);
    }
    Unfinished.file(index, out -> out.write(Json.write(before)));
  }

  private static ObjectNode read(Path index) throws IOException {
    try {
      Json.read(Files.readAllBytes(index), Index.JSON, index.toString());
      return (ObjectNode) Json.tree(Files.readAllBytes(index));
    } catch (OciException e) {
      throw new StoreException(
          Code.INVALID_ARCHIVE, "cannot add to the OCI layout: " + e.getMessage(), e);
    }
  }

  private static void removeReplaced(ArrayNode manifests, JsonNode added) {
    for (int i = manifests.size() - 1; i >= 0; i--) {
      JsonNode there = manifests.get(i);
      boolean sameName = there.at(NAME).equals(added.at(NAME));
      boolean nameless = added.at(NAME).isMissingNode();
      if (sameName && (!nameless || there.path("digest").equals(added.path("digest")))) {
        manifests.remove(i);
      }
    }
  }

  private LayoutFolder() {}
}
