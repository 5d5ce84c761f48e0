package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.rootfs.RootfsException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The directory that snapshots live in, for them alone. Entries have short names, since a mount of
 * 300 lowers must fit in one page of options. What is not complete has a name that ends in {@code
 * ~}. Thread-safe.
 */
final class Workspace implements AutoCloseable {
  private static final int RADIX = 36;

  private final Path path;
  private final boolean made;
  private final DirectoryHandle handle;
  private final AtomicInteger names = new AtomicInteger();

  private Workspace(Path path, boolean made, DirectoryHandle handle) {
    this.path = path;
    this.made = made;
    this.handle = handle;
  }

  /**
   * Makes the directory if it is missing.
   *
   * @throws RootfsException NOT_EMPTY if there is something in it
   */
  static Workspace open(Path path) throws IOException {
    boolean made = !Files.exists(path);
    Files.createDirectories(path);
    DirectoryHandle handle = DirectoryHandle.open(path);
    if (!handle.names().isEmpty()) {
      handle.close();
      throw new RootfsException(
          Code.NOT_EMPTY,
          "cannot keep root file systems in "
              + path
              + ": it is not empty; remove what an earlier build left there, or choose another"
              + " directory");
    }
    return new Workspace(path, made, handle);
  }

  DirectoryHandle handle() {
    return handle;
  }

  Place place(String name) {
    return new Place(handle, path, name);
  }

  Path path(String name) {
    return path.resolve(name);
  }

  String newName() {
    return Integer.toString(names.getAndIncrement(), RADIX);
  }

  /** A new, empty directory of mode 0755, whatever the umask. */
  DirectoryHandle makeDirectory(String name) throws PosixException {
    handle.makeDirectory(name, 0700);
    DirectoryHandle directory = handle.openDirectory(name);
    directory.chmod(0755);
    return directory;
  }

  /** Fills a directory. */
  @FunctionalInterface
  interface Filling<T> {
    T fill(DirectoryHandle directory) throws IOException;
  }

  /** Makes a directory that has this name only once it is filled; if that fails it is gone. */
  <T> T make(String name, Filling<T> filling) throws IOException {
    String incomplete = name + "~";
    try (DirectoryHandle directory = makeDirectory(incomplete)) {
      T result = filling.fill(directory);
      handle.rename(incomplete, handle, name);
      return result;
    } catch (IOException | RuntimeException | Error e) {
      try {
        remove(incomplete);
      } catch (PosixException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  void remove(String name) throws PosixException {
    TreeRemover.remove(handle, name);
  }

  /** Removes all that is in it, and the directory itself if it was made here. */
  @Override
  public void close() throws IOException {
    try (handle) {
      TreeRemover.removeContents(handle);
    }
    if (made) {
      Files.deleteIfExists(path);
    }
  }
}
