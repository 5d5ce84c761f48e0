package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileTimes;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/**
 * Directories of {@code RUN --mount=type=cache}. Locks hold between threads and processes.
 *
 * <pre>
 *   KEY/id       what people call it
 *   KEY/N        its content; N is 0, more only where a step wanted one of its own
 *   KEY/N.lock   locked while a step uses it; dated when one begins to
 *   KEY/N~       being made, or removed
 *   KEY/N~old    being replaced
 * </pre>
 *
 * The folder and the locks stay when the content goes.
 */
public final class CacheMounts {
  private static final int WAIT_MILLIS = 20;
  static final String ID = "id";
  static final String LOCK = ".lock";

  private final Path root;
  private final StoreLock storeLock;

  CacheMounts(Path root, StoreLock storeLock) {
    this.root = root;
    this.storeLock = storeLock;
  }

  /** How a cache is used. */
  public enum Use {
    /** Together with others that share it. */
    SHARED,
    /** Alone, another one if it is in use. */
    PRIVATE,
    /** Alone, after whoever has it. */
    LOCKED
  }

  /**
   * A cache to use.
   *
   * @param key letters and digits
   * @param id for people
   */
  public record Wanted(String key, String id, Use use) {}

  /** Makes the content of a new cache. */
  @FunctionalInterface
  public interface Start {
    /** Makes a directory of this name, which nothing has. */
    void make(DirectoryHandle parent, String name) throws IOException;
  }

  /**
   * Opens a cache, waiting for others if need be.
   *
   * @param waiting called once if it has to wait
   */
  public Lease open(Wanted wanted, Start start, Runnable waiting)
      throws IOException, InterruptedException {
    Path folder = root.resolve(wanted.key());
    int number = 0;
    boolean told = false;
    while (true) {
      String name = Integer.toString(number);
      Optional<LockedFile> locked = lock(wanted, folder, name);
      if (locked.isPresent()) {
        Optional<Lease> lease = lease(folder, name, locked.get(), wanted.use(), start);
        if (lease.isPresent()) {
          return lease.get();
        }
      } else if (wanted.use() == Use.PRIVATE) {
        number++;
        continue;
      } else if (!told) {
        waiting.run();
        told = true;
      }
      Thread.sleep(WAIT_MILLIS);
    }
  }

  /** Also marks it as used; until the lock is given back nobody removes it. */
  private Optional<LockedFile> lock(Wanted wanted, Path folder, String name) throws IOException {
    try (LockedFile held = storeLock.shared()) {
      makeFolder(folder, wanted);
      Path file = folder.resolve(name + LOCK);
      Optional<LockedFile> locked =
          LockedFile.tryLock(file, wanted.use() != Use.SHARED || !isThere(folder, name));
      if (locked.isPresent()) {
        FileTimes.touch(file);
      }
      return locked;
    }
  }

  private static boolean isThere(Path folder, String name) {
    return Files.isDirectory(folder.resolve(name));
  }

  /** Empty if the lock that was had does not do: it is to be tried again. */
  private static Optional<Lease> lease(
      Path folder, String name, LockedFile lock, Use use, Start start) throws IOException {
    try {
      if (!isThere(folder, name)) {
        try (DirectoryHandle directory = DirectoryHandle.open(folder)) {
          make(directory, name, start);
        }
        if (use == Use.SHARED) {
          // Made alone; others may come in only with a lock that is shared.
          lock.close();
          return Optional.empty();
        }
      }
      return Optional.of(new Lease(folder, name, lock));
    } catch (IOException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  private static void make(DirectoryHandle directory, String name, Start start) throws IOException {
    TreeRemover.remove(directory, incomplete(name));
    if (directory.find(old(name)).isPresent()) {
      // Whoever was replacing it died before the new one had the name.
      directory.rename(old(name), directory, name);
      return;
    }
    start.make(directory, incomplete(name));
    directory.rename(incomplete(name), directory, name);
  }

  private static String incomplete(String name) {
    return name + "~";
  }

  private static String old(String name) {
    return name + "~old";
  }

  /**
   * Removes a cache's content, and what was left by whoever died while making or replacing it. By
   * the name of what is incomplete, so that no part of it is ever taken for a cache.
   */
  static void discard(DirectoryHandle directory, String name) throws IOException {
    TreeRemover.remove(directory, incomplete(name));
    for (String content : List.of(old(name), name)) {
      discard(directory, content, name);
    }
  }

  private static void discard(DirectoryHandle directory, String content, String name)
      throws IOException {
    if (directory.find(content).isPresent()) {
      directory.rename(content, directory, incomplete(name));
      TreeRemover.remove(directory, incomplete(name));
    }
  }

  /** What may hold something of a cache. */
  static List<String> contents(String name) {
    return List.of(name, incomplete(name), old(name));
  }

  private void makeFolder(Path folder, Wanted wanted) throws IOException {
    if (!Files.isDirectory(folder)) {
      // Steps' users own what is in it; nobody else of the machine is to see that.
      Files.createDirectories(
          root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Files.createDirectories(folder);
      Files.write(folder.resolve(ID), wanted.id().getBytes(StandardCharsets.UTF_8));
    }
  }

  /** The right to use a cache, until it is closed. */
  public static final class Lease implements AutoCloseable {
    private final Path folder;
    private final String name;
    private final LockedFile lock;
    private boolean out;

    private Lease(Path folder, String name, LockedFile lock) {
      this.folder = folder;
      this.name = name;
      this.lock = lock;
    }

    /** The cache's directory. */
    public Path content() {
      return folder.resolve(name).toAbsolutePath();
    }

    /**
     * Moves the cache elsewhere; who has it alone may do that, and moves it back.
     *
     * @return false if it stays, since that is another file system: a copy has to do
     */
    public boolean moveTo(DirectoryHandle parent, String newName) throws IOException {
      if (out) {
        throw new StoreException(
            StoreException.Code.NOT_FOUND,
            "the cache in "
                + folder
                + " is not there; where nothing can be mounted, a step can have a cache in one place only");
      }
      try (DirectoryHandle directory = DirectoryHandle.open(folder)) {
        directory.rename(name, parent, newName);
        out = true;
        return true;
      } catch (PosixException e) {
        if (e.errno() != Errno.EXDEV) {
          throw e;
        }
        out = true;
        return false;
      }
    }

    /** Moves it back; if it is gone, or is no directory any more, the next step gets a new one. */
    public void moveBack(DirectoryHandle parent, String newName) throws IOException {
      out = false;
      if (parent.find(newName).filter(s -> s.isDirectory()).isEmpty()) {
        return;
      }
      try (DirectoryHandle directory = DirectoryHandle.open(folder)) {
        parent.rename(newName, directory, name);
      } catch (PosixException e) {
        if (e.errno() != Errno.ENOTEMPTY && e.errno() != Errno.EEXIST) {
          throw e;
        }
      }
    }

    /** Puts another content in the place of what was copied; until that is whole, the old stays. */
    public void replace(Start content) throws IOException {
      out = false;
      try (DirectoryHandle directory = DirectoryHandle.open(folder)) {
        TreeRemover.remove(directory, incomplete(name));
        discard(directory, old(name), name);
        content.make(directory, incomplete(name));
        directory.rename(name, directory, old(name));
        directory.rename(incomplete(name), directory, name);
        discard(directory, old(name), name);
      }
    }

    @Override
    public void close() {
      lock.close();
    }
  }
}
