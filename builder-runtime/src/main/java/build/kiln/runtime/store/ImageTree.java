package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.StoreException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an image is made of, whatever its media types: its manifests by {@code manifests}, its blobs
 * by {@code config}, {@code layers} and {@code blobs}.
 *
 * @param manifests of this document, as it lists them
 * @param blobs of this document, each once
 * @param config that of the blobs which is its configuration; null if it has none
 */
public record ImageTree(
    List<Descriptor> manifests, List<Descriptor> blobs, @Nullable Descriptor config) {
  /** An index in an index in an index is enough for anyone. */
  private static final int DEEPEST = 8;

  /** Makes sure that a store has something. */
  @FunctionalInterface
  public interface Bringer {
    void bring(Descriptor content, boolean isManifest) throws IOException;
  }

  public ImageTree {
    manifests = List.copyOf(manifests);
    blobs = List.copyOf(blobs);
  }

  /**
   * Of a document.
   *
   * @throws StoreException INVALID_ARCHIVE if it is no manifest and no index
   */
  public static ImageTree of(Descriptor descriptor, byte[] document) throws IOException {
    try {
      JsonNode json = Json.tree(document, "manifest " + descriptor.digest());
      List<Descriptor> manifests = new ArrayList<>();
      json.path("manifests").forEach(child -> manifests.add(read(child)));
      Map<String, Descriptor> blobs = new LinkedHashMap<>();
      Descriptor config = null;
      if (json.path("config").isObject()) {
        config = read(json.path("config"));
        blobs.put(config.digest().toString(), config);
      }
      json.path("layers").forEach(layer -> add(blobs, layer));
      json.path("blobs").forEach(blob -> add(blobs, blob));
      return new ImageTree(manifests, List.copyOf(blobs.values()), config);
    } catch (OciException e) {
      throw new StoreException(Code.INVALID_ARCHIVE, String.valueOf(e.getMessage()), e);
    }
  }

  private static void add(Map<String, Descriptor> blobs, JsonNode json) {
    Descriptor blob = read(json);
    blobs.putIfAbsent(blob.digest().toString(), blob);
  }

  private static Descriptor read(JsonNode json) {
    return Descriptor.read(json);
  }

  /** Brings all of an image into a store, parents before children. */
  public static void bring(Descriptor root, LocalStore store, Bringer bringer) throws IOException {
    bring(root, store, bringer, 0);
  }

  private static void bring(Descriptor root, LocalStore store, Bringer bringer, int depth)
      throws IOException {
    if (depth > DEEPEST) {
      throw new StoreException(
          Code.INVALID_ARCHIVE, root.digest() + " is an index in more than " + DEEPEST + " others");
    }
    bringer.bring(root, true);
    ImageTree tree = of(root, store.read(root));
    for (Descriptor child : tree.manifests) {
      bring(child, store, bringer, depth + 1);
    }
    for (Descriptor blob : tree.blobs) {
      bringer.bring(blob, false);
    }
  }
}
