package build.kiln.runtime.store;

import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.store.StoreException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The files of an image's archive, unpacked into a folder of ours. Files of an OCI layout have
 * their names there; all others have names of ours, so that no name in an archive leads anywhere.
 */
final class ArchiveFiles {
  private static final Pattern LAYOUT =
      Pattern.compile("index\\.json|oci-layout|blobs/(?:sha256|sha512)/[0-9a-f]{64,128}");

  /** A chain of links is a loop beyond that. */
  private static final int MOST_LINKS = 8;

  /** An archive of more files is no image's. */
  private static final int MOST_FILES = 100_000;

  private final Path folder;
  private final String what;
  private final Map<String, Path> files = new HashMap<>();
  private final Map<String, String> links = new HashMap<>();

  private ArchiveFiles(Path folder, String what) {
    this.folder = folder;
    this.what = what;
  }

  /**
   * Unpacks a tar of whatever compression.
   *
   * @param folder empty
   * @param what names the archive in messages
   * @throws StoreException INVALID_ARCHIVE if that is no tar
   */
  static ArchiveFiles unpack(InputStream in, Path folder, String what) throws IOException {
    var archive = new ArchiveFiles(folder, what);
    try (TarReader tar = TarReader.ofArchive(Decompression.open(in, what), what)) {
      for (Optional<LayerEvent> event = tar.next(); event.isPresent(); event = tar.next()) {
        if (event.get() instanceof LayerEvent.Entry entry) {
          archive.take(entry);
        }
      }
    } catch (LayerException e) {
      throw archive.invalid(String.valueOf(e.getMessage()));
    }
    if (archive.files.isEmpty()) {
      throw archive.invalid("it is empty");
    }
    return archive;
  }

  private void take(LayerEvent.Entry entry) throws IOException {
    EntryMeta meta = entry.meta();
    if (files.size() + links.size() >= MOST_FILES) {
      throw invalid("it has more than " + MOST_FILES + " files");
    }
    switch (meta.kind()) {
      case FILE -> {
        Path file =
            LAYOUT.matcher(meta.path()).matches()
                ? folder.resolve(meta.path())
                : folder.resolve("file-" + files.size());
        Path parent = file.getParent();
        if (parent != null) {
          Files.createDirectories(parent);
        }
        Files.deleteIfExists(file);
        Files.copy(entry.content(), file);
        files.put(meta.path(), file);
      }
      // Old docker wrote a layer that two images have as a link to the other's.
      case SYMLINK -> links.put(meta.path(), beside(meta.path(), meta.linkTarget()));
      case HARDLINK -> links.put(meta.path(), String.valueOf(meta.linkTarget()));
      case DIRECTORY, CHARACTER_DEVICE, BLOCK_DEVICE, FIFO -> {}
    }
  }

  /** What a symbolic link's text means, as a name in the archive. */
  private static String beside(String link, @Nullable String target) {
    Path parent = Path.of("/").resolve(link).getParent();
    Path base = parent == null ? Path.of("/") : parent;
    String text = target == null ? "" : target;
    return base.resolve(text).normalize().toString().substring(1);
  }

  boolean has(String name) {
    return files.containsKey(name) || links.containsKey(name);
  }

  /**
   * Where a file is.
   *
   * @throws StoreException INVALID_ARCHIVE if there is none of that name
   */
  Path file(String name) throws StoreException {
    String at = name;
    for (int i = 0; i < MOST_LINKS; i++) {
      Path file = files.get(at);
      if (file != null) {
        return file;
      }
      String next = links.get(at);
      if (next == null) {
        break;
      }
      at = next;
    }
    throw invalid("it lacks its file " + name);
  }

  Path folder() {
    return folder;
  }

  StoreException invalid(String why) {
    return new StoreException(
        Code.INVALID_ARCHIVE, what + " is no archive of an image, or damaged: " + why);
  }
}
