package build.kiln.runtime.build;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.posix.UniqueNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * What steps see through mounts, on disk: a source that nobody may write to is copied once a build.
 * Thread-safe.
 */
final class MountFolders implements AutoCloseable {
  /** The name of a copy in a folder of its own. */
  static final String CONTENT = "c";

  private final Path folder;
  private final ConcurrentMap<String, Path> shared = new ConcurrentHashMap<>();

  private MountFolders(Path folder) {
    this.folder = folder;
  }

  static MountFolders create(Path scratch) throws IOException {
    Files.createDirectories(scratch);
    return new MountFolders(UniqueNames.createDirectory(scratch, "m"));
  }

  /** A copy that steps may see but not change. */
  Path shared(MountSource source) throws IOException {
    String identity = source.identity();
    try {
      return shared.computeIfAbsent(
          identity,
          key -> {
            try {
              return copy(source);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (UncheckedIOException e) {
      throw new IOException(e.getCause() == null ? e.toString() : e.getCause().getMessage(), e);
    }
  }

  /** A copy for one step, to be given back. */
  Path copy(MountSource source) throws IOException {
    Path own = UniqueNames.createDirectory(folder, "");
    try (DirectoryHandle parent = DirectoryHandle.open(own)) {
      source.copy(parent, CONTENT);
    }
    return own.resolve(CONTENT);
  }

  /** Removes a copy for one step. */
  void remove(Path copy) throws IOException {
    try (DirectoryHandle parent = DirectoryHandle.open(folder)) {
      Path own = folder.relativize(copy);
      TreeRemover.remove(parent, own.getName(0).toString());
    }
  }

  @Override
  public void close() throws IOException {
    try (DirectoryHandle parent = DirectoryHandle.open(folder)) {
      TreeRemover.removeContents(parent);
    }
    Files.delete(folder);
  }
}
