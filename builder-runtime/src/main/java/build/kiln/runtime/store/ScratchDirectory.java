package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.posix.UniqueNames;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A directory for one process's unfinished work, removed when it is closed. If the process dies,
 * the kernel gives its lock back and the next one to open a scratch directory here removes it. It
 * is made when it is first asked for: who only makes room on a full disk has to do without.
 */
final class ScratchDirectory implements AutoCloseable {
  private static final String LOCK = ".lock";

  /**
   * Locks of this JVM. A POSIX lock is the process's: opening and closing such a file here would
   * give the lock up.
   */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private final Path directory;
  private final Path lockFile;
  private final FileChannel channel;
  private final GroupAccess access;

  private ScratchDirectory(Path directory, Path lockFile, FileChannel channel, GroupAccess access) {
    this.directory = directory;
    this.lockFile = lockFile;
    this.channel = channel;
    this.access = access;
  }

  /** Makes a new one below {@code parent}, which is made if it is missing. */
  static ScratchDirectory create(Path parent) throws IOException {
    Files.createDirectories(parent);
    return create(parent, new GroupAccess(false));
  }

  /** Makes a new one below {@code parent}, and removes those that dead processes left there. */
  static ScratchDirectory create(Path parent, GroupAccess access) throws IOException {
    Path real = parent.toRealPath();
    sweep(real);
    while (true) {
      String name = UniqueNames.next();
      Path lockFile = real.resolve(name + LOCK);
      OWN.add(lockFile);
      FileChannel channel =
          FileChannel.open(lockFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      channel.lock();
      // Another process may have swept it away between making and locking.
      if (Files.exists(lockFile)) {
        access.open(lockFile);
        return new ScratchDirectory(real.resolve(name), lockFile, channel, access);
      }
      channel.close();
      OWN.remove(lockFile);
    }
  }

  Path path() throws IOException {
    access.makeFolder(directory);
    return directory;
  }

  /**
   * Since when a living process may use what is beside: when the oldest of the scratch directories
   * in use was made, this one's at the latest. By the file system's clock.
   */
  FileTime oldestUse() throws IOException {
    FileTime oldest = Files.getLastModifiedTime(lockFile);
    Path parent = Objects.requireNonNull(lockFile.getParent());
    try (DirectoryStream<Path> locks = Files.newDirectoryStream(parent, "*" + LOCK)) {
      for (Path other : locks) {
        try {
          FileTime start = Files.getLastModifiedTime(other);
          if (start.compareTo(oldest) < 0 && isHeld(other)) {
            oldest = start;
          }
        } catch (NoSuchFileException closed) {
          continue;
        }
      }
    }
    return oldest;
  }

  private static boolean isHeld(Path lockFile) throws IOException {
    if (OWN.contains(lockFile)) {
      return true;
    }
    try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    } catch (AccessDeniedException | OverlappingFileLockException notOurs) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    try {
      deleteTree(directory);
      Files.deleteIfExists(lockFile);
    } finally {
      channel.close();
      OWN.remove(lockFile);
    }
  }

  private static void sweep(Path parent) throws IOException {
    try (DirectoryStream<Path> locks = Files.newDirectoryStream(parent, "*" + LOCK)) {
      for (Path lockFile : locks) {
        if (!OWN.contains(lockFile)) {
          sweepOne(lockFile);
        }
      }
    }
  }

  private static void sweepOne(Path lockFile) throws IOException {
    try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock != null) {
        String name = lockFile.getFileName().toString();
        deleteTree(lockFile.resolveSibling(name.substring(0, name.length() - LOCK.length())));
        Files.deleteIfExists(lockFile);
      }
    } catch (NoSuchFileException | OverlappingFileLockException goneOrOurs) {
      return;
    } catch (AccessDeniedException anotherUsers) {
      // It goes when a process of that user comes by.
      return;
    }
  }

  /** Removes a directory and all in it, whatever it is: unpacked layers may be there. */
  private static void deleteTree(Path root) throws IOException {
    Path parent = Objects.requireNonNull(root.getParent());
    try (DirectoryHandle directory = DirectoryHandle.open(parent)) {
      TreeRemover.remove(directory, String.valueOf(root.getFileName()));
    } catch (PosixException e) {
      if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
        throw new AccessDeniedException(root.toString(), null, e.getMessage());
      }
      throw e;
    }
  }
}
