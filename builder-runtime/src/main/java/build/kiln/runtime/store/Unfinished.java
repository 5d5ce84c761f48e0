package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.store.StoreException.Code;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** Files and folders that appear under their name only when they are whole. */
final class Unfinished {
  /** Writes content. */
  interface Content<T> {
    void writeTo(T target) throws IOException;
  }

  /** Makes or replaces a file. What is no regular file, such as a fifo, is written to directly. */
  static void file(Path file, Content<OutputStream> content) throws IOException {
    if (Files.isDirectory(file)) {
      throw new StoreException(
          Code.EXISTS, "cannot write the archive " + file + ": it is a folder; name a file");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      try (var out = new BufferedOutputStream(Files.newOutputStream(file), 256 * 1024)) {
        content.writeTo(out);
      }
      return;
    }
    // Not what a link names, but where the link leads, is replaced.
    Path real = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
    Path temp = beside(real);
    try {
      try (var out = new BufferedOutputStream(create(temp), 256 * 1024)) {
        content.writeTo(out);
      }
      Files.move(temp, real, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temp);
    }
  }

  private static OutputStream create(Path temp) throws IOException {
    try {
      return Files.newOutputStream(temp);
    } catch (NoSuchFileException e) {
      throw missing(temp, e);
    }
  }

  /** Makes a folder that must not exist, or be empty. */
  static void folder(Path folder, Content<Path> content) throws IOException {
    if (Files.exists(folder) && !isEmptyFolder(folder)) {
      throw new StoreException(
          Code.EXISTS,
          "cannot write the layout " + folder + ": it exists already; remove it, or name another");
    }
    Path real = folder.toAbsolutePath().normalize();
    Path temp = beside(real);
    try {
      Files.createDirectory(temp);
    } catch (NoSuchFileException e) {
      throw missing(temp, e);
    }
    boolean whole = false;
    try {
      content.writeTo(temp);
      Files.move(temp, real, StandardCopyOption.ATOMIC_MOVE);
      whole = true;
    } finally {
      if (!whole) {
        remove(temp);
      }
    }
  }

  private static void remove(Path folder) throws IOException {
    try (var directory = DirectoryHandle.open(folder)) {
      TreeRemover.removeContents(directory);
    }
    Files.delete(folder);
  }

  private static boolean isEmptyFolder(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (var files = Files.newDirectoryStream(folder)) {
      return !files.iterator().hasNext();
    }
  }

  private static Path beside(Path file) {
    return file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
  }

  private static StoreException missing(Path temp, NoSuchFileException e) {
    return new StoreException(
        Code.NOT_FOUND, "there is no folder " + temp.getParent() + " to write to; make it", e);
  }

  private Unfinished() {}
}
