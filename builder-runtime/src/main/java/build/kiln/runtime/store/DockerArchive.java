package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.StoreException.Code;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes images as {@code docker load} takes them: {@code --output type=docker}. As docker 25 and
 * later save them, that is an OCI image layout with a {@code manifest.json} that points into it;
 * layers stay compressed as they are. The same image and names give the same bytes.
 */
public final class DockerArchive {
  private record Entry(
      @JsonProperty("Config") String config,
      @JsonProperty("RepoTags") List<String> repoTags,
      @JsonProperty("Layers") List<String> layers) {}

  /**
   * Writes a tar to a stream, which stays open.
   *
   * @param names what the image is called in it; may be none
   * @param manifest of one image in the store, with all that it points at
   * @throws StoreException UNSUPPORTED for an index, since docker archives hold one platform;
   *     NOT_FOUND if a blob is missing, before anything is written; CONTENT_MISMATCH if one is
   *     damaged
   */
  public static void write(
      LocalStore store, List<Reference> names, Descriptor manifest, OutputStream out)
      throws IOException {
    Map<String, byte[]> more = Map.of("manifest.json", manifestJson(store, names, manifest));
    OciArchive.write(store, names, manifest, more, out);
  }

  /**
   * Writes a tar file, replacing one that is there when the new one is whole. See {@link
   * #write(LocalStore, List, Descriptor, OutputStream)}.
   *
   * @throws StoreException also EXISTS if there is a folder of that name
   */
  public static void write(LocalStore store, List<Reference> names, Descriptor manifest, Path file)
      throws IOException {
    Unfinished.file(file, out -> write(store, names, manifest, out));
  }

  private static byte[] manifestJson(LocalStore store, List<Reference> names, Descriptor descriptor)
      throws IOException {
    if (!MediaTypes.isManifest(descriptor.mediaType())) {
      throw new StoreException(
          Code.UNSUPPORTED,
          "a docker archive holds an image of one platform, and %s is %s; write type=oci instead, or build one platform"
              .formatted(descriptor.digest(), descriptor.mediaType()));
    }
    Manifest manifest =
        Json.read(store.read(descriptor), Manifest.class, "manifest " + descriptor.digest());
    var entry =
        new Entry(
            ImageLayout.path(manifest.config().digest()),
            names.stream().map(DockerArchive::familiar).toList(),
            manifest.layers().stream().map(layer -> ImageLayout.path(layer.digest())).toList());
    return Json.write(List.of(entry));
  }

  /** The name as docker's users write it. */
  private static String familiar(Reference name) {
    String full = ImageLayout.tagged(name).toString();
    return full.replaceFirst("^docker\\.io/(library/)?", "");
  }

  private DockerArchive() {}
}
