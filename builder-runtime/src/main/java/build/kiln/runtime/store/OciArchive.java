package build.kiln.runtime.store;

import build.kiln.runtime.layer.TarWriter;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes images as OCI image layouts, in a tar or a folder: {@code --output type=oci}. The same
 * image and names give the same bytes.
 */
public final class OciArchive {
  /**
   * Writes a tar to a stream, which stays open.
   *
   * @param names what the image is called in it; may be none
   * @param image a manifest or an index in the store, with all that it points at
   * @throws StoreException NOT_FOUND if a blob is missing, before anything is written;
   *     CONTENT_MISMATCH if one is damaged
   */
  public static void write(
      LocalStore store, List<Reference> names, Descriptor image, OutputStream out)
      throws IOException {
    write(store, List.of(NamedImage.of(image, names)), out);
  }

  /** As {@link #write(LocalStore, List, Descriptor, OutputStream)}, of several images. */
  public static void write(LocalStore store, List<NamedImage> images, OutputStream out)
      throws IOException {
    write(store, images, Map.of(), out);
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
  public static void write(LocalStore store, List<Reference> names, Descriptor image, Path file)
      throws IOException {
    Unfinished.file(file, out -> write(store, names, image, out));
  }

  /**
   * Writes a folder.
   *
   * @throws StoreException also EXISTS if it is there and not empty
   */
  public static void writeFolder(
      LocalStore store, List<Reference> names, Descriptor image, Path folder) throws IOException {
    Unfinished.folder(
        folder,
        temp ->
            ImageLayout.write(
                store, List.of(NamedImage.of(image, names)), Map.of(), LayoutTarget.folder(temp)));
  }

  static void write(
      LocalStore store, List<NamedImage> images, Map<String, byte[]> more, OutputStream out)
      throws IOException {
    var tar = new TarWriter(out);
    ImageLayout.write(store, images, more, LayoutTarget.tar(tar));
    tar.finish();
  }

  private OciArchive() {}
}
