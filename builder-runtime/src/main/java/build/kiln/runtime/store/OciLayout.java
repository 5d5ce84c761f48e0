package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.StoreException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One image of an OCI image layout (OCI image-spec 1.1, image layout) in a folder that somebody
 * else wrote. Nothing of it is believed: every blob is verified when it is copied.
 *
 * @param folder with {@code index.json} and {@code blobs}
 * @param root the image's manifest or index
 */
public record OciLayout(Path folder, Descriptor root) {
  private static final String INDEX = "index.json";
  private static final String REF_NAME = "org.opencontainers.image.ref.name";
  private static final int LARGEST_DOCUMENT = 16 << 20;

  /**
   * Finds an image.
   *
   * @param tag the image's name in the layout; null for the one called latest, or the only one
   * @param digest of the image, whatever it is called; null if the tag decides
   * @throws StoreException NOT_FOUND, with the names that there are
   */
  public static OciLayout open(Path folder, @Nullable String tag, @Nullable Digest digest)
      throws IOException {
    Path file = folder.resolve(INDEX);
    if (!Files.isRegularFile(file)) {
      throw new StoreException(Code.NOT_FOUND, folder + " is no OCI layout: it has no " + INDEX);
    }
    Index index = Json.read(small(file), Index.JSON, file.toString());
    Optional<Descriptor> found =
        digest == null ? named(index.manifests(), tag) : withDigest(folder, index, digest);
    return new OciLayout(
        folder,
        found.orElseThrow(
            () ->
                new StoreException(
                    Code.NOT_FOUND,
                    "the OCI layout %s has no image %s; it has %s"
                        .formatted(
                            folder,
                            digest != null ? digest : tag == null ? "latest" : tag,
                            names(index.manifests())))));
  }

  private static Optional<Descriptor> named(List<Descriptor> images, @Nullable String tag) {
    Optional<Descriptor> found =
        images.stream()
            .filter(image -> name(image).filter((tag == null ? "latest" : tag)::equals).isPresent())
            .findFirst();
    return found.isEmpty() && tag == null && images.size() == 1
        ? Optional.of(images.getFirst())
        : found;
  }

  private static Optional<Descriptor> withDigest(Path folder, Index index, Digest digest)
      throws IOException {
    Optional<Descriptor> listed =
        index.manifests().stream().filter(image -> image.digest().equals(digest)).findFirst();
    Path blob = folder.resolve(ImageLayout.path(digest));
    return listed.isPresent() || !Files.isRegularFile(blob)
        ? listed
        : Optional.of(Descriptor.of(mediaType(blob), digest, Files.size(blob)));
  }

  /** What a document says that it is, or is by its fields. */
  private static String mediaType(Path blob) throws IOException {
    JsonNode document = Json.tree(small(blob), blob.toString());
    if (document.path("mediaType").isTextual()) {
      return document.path("mediaType").asText();
    }
    if (document.has("manifests")) {
      return MediaTypes.OCI_INDEX;
    }
    if (document.has("layers")) {
      return MediaTypes.OCI_MANIFEST;
    }
    throw new OciException(blob + " is neither a manifest nor an index");
  }

  private static byte[] small(Path file) throws IOException {
    if (Files.size(file) > LARGEST_DOCUMENT) {
      throw new StoreException(Code.CONTENT_MISMATCH, file + " is larger than 16 MiB");
    }
    return Files.readAllBytes(file);
  }

  private static Optional<String> name(Descriptor image) {
    return Optional.ofNullable(image.annotations())
        .flatMap(annotations -> Optional.ofNullable(annotations.get(REF_NAME)));
  }

  private static String names(List<Descriptor> images) {
    String names =
        images.stream()
            .map(image -> name(image).orElse(image.digest().toString()))
            .collect(Collectors.joining(", "));
    return names.isEmpty() ? "none" : names;
  }

  /**
   * Makes sure that a store has a blob of this layout.
   *
   * @throws StoreException NOT_FOUND if the layout lacks it too; CONTENT_MISMATCH if it is damaged
   */
  public void copy(Descriptor blob, LocalStore to) throws IOException {
    if (to.has(blob)) {
      return;
    }
    Path file = folder.resolve(ImageLayout.path(blob.digest()));
    if (!Files.isRegularFile(file)) {
      throw new StoreException(
          Code.NOT_FOUND, "the OCI layout %s lacks its blob %s".formatted(folder, blob.digest()));
    }
    try (InputStream in = Files.newInputStream(file)) {
      to.put(blob, in);
    }
  }
}
