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
import java.util.ArrayList;
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
    write(store, List.of(NamedImage.of(manifest, names)), out);
  }

  /** As {@link #write(LocalStore, List, Descriptor, OutputStream)}, of several images. */
  public static void write(LocalStore store, List<NamedImage> images, OutputStream out)
      throws IOException {
    var entries = new ArrayList<Entry>();
    for (NamedImage image : images) {
      entries.add(entry(store, image));
    }
    OciArchive.write(store, images, Map.of("manifest.json", Json.write(entries)), out);
  }

  /** As {@link #write(LocalStore, List, Descriptor, Path)}, of several images. */
  public static void write(LocalStore store, List<NamedImage> images, Path file)
      throws IOException {
    Unfinished.file(file, out -> write(store, images, out));
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

  private static Entry entry(LocalStore store, NamedImage image) throws IOException {
    Descriptor descriptor = image.root();
    if (!MediaTypes.isManifest(descriptor.mediaType())) {
      throw new StoreException(
          Code.UNSUPPORTED,
          "a docker archive holds an image of one platform, and %s is %s; write an OCI archive (type=oci) instead, or choose one platform"
              .formatted(descriptor.digest(), descriptor.mediaType()));
    }
    Manifest manifest =
        Json.read(store.read(descriptor), Manifest.JSON, "manifest " + descriptor.digest());
    return new Entry(
        ImageLayout.path(manifest.config().digest()),
        image.references().stream().map(DockerArchive::familiar).toList(),
        manifest.layers().stream().map(layer -> ImageLayout.path(layer.digest())).toList());
  }

  /** The name as docker's users write it. */
  private static String familiar(Reference name) {
    String full = NamedImage.tagged(name).toString();
    return full.replaceFirst("^docker\\.io/(library/)?", "");
  }

  private DockerArchive() {}
}
