package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The cache mounts that a store holds, laid out as {@link CacheMounts} says. */
final class StoredMounts {
  private final LocalStore store;

  StoredMounts(LocalStore store) {
    this.store = store;
  }

  List<CacheUnit> list() throws IOException {
    var units = new ArrayList<CacheUnit>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(store.cacheMountsFolder())) {
      for (Path folder : folders) {
        list(folder, units);
      }
    } catch (NoSuchFileException none) {
      return units;
    }
    return units;
  }

  private static void list(Path folder, List<CacheUnit> units) throws IOException {
    String id;
    try {
      id = Files.readString(folder.resolve(CacheMounts.ID), StandardCharsets.UTF_8);
    } catch (IOException unreadable) {
      id = String.valueOf(folder.getFileName());
    }
    try (DirectoryStream<Path> contents = Files.newDirectoryStream(folder, "*[0-9]")) {
      for (Path content : contents) {
        FileTime used = used(content);
        units.add(
            new CacheUnit(
                CacheUnit.Kind.MOUNT,
                id,
                List.of(content),
                null,
                false,
                TreeSize.of(content),
                used));
      }
    }
  }

  private static FileTime used(Path content) throws IOException {
    try {
      return Files.getLastModifiedTime(lockFile(content));
    } catch (NoSuchFileException never) {
      return FileTime.fromMillis(0);
    }
  }

  private static Path lockFile(Path content) {
    return content.resolveSibling(content.getFileName() + CacheMounts.LOCK);
  }

  /** Whether a step has it just now. */
  static boolean isLocked(CacheUnit mount) throws IOException {
    Path lock = lockFile(mount.files().getFirst());
    if (!Files.exists(lock)) {
      return false;
    }
    Optional<LockedFile> locked = LockedFile.tryLock(lock, true);
    locked.ifPresent(LockedFile::close);
    return locked.isEmpty();
  }

  /**
   * Takes a mount out of the store, whose lock is held exclusively.
   *
   * @param notSince it must not have been used since then
   * @return where it is now, to be removed; empty if a step has it
   */
  Optional<Path> take(CacheUnit mount, FileTime notSince) throws IOException {
    Path content = mount.files().getFirst();
    Path folder = Objects.requireNonNull(content.getParent());
    if (!Files.isDirectory(content) || used(content).compareTo(notSince) >= 0) {
      return Optional.empty();
    }
    Optional<LockedFile> locked = LockedFile.tryLock(lockFile(content), true);
    if (locked.isEmpty()) {
      return Optional.empty();
    }
    try (LockedFile held = locked.get()) {
      Path taken = store.tempFile();
      Files.createDirectory(taken);
      String name = String.valueOf(content.getFileName());
      for (String each : List.of(name, name + "~", name + "~old")) {
        Path part = folder.resolve(each);
        if (Files.isDirectory(part)) {
          Files.move(part, taken.resolve(each));
        }
      }
      Files.deleteIfExists(lockFile(content));
      removeIfEmpty(folder);
      return Optional.of(taken);
    }
  }

  private static void removeIfEmpty(Path folder) throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder)) {
      for (Path file : left) {
        if (!String.valueOf(file.getFileName()).equals(CacheMounts.ID)) {
          return;
        }
      }
    }
    Files.deleteIfExists(folder.resolve(CacheMounts.ID));
    Files.delete(folder);
  }

  /** Removes what was taken. */
  static void remove(Path taken) throws IOException {
    try (DirectoryHandle parent = DirectoryHandle.open(Objects.requireNonNull(taken.getParent()))) {
      TreeRemover.remove(parent, String.valueOf(taken.getFileName()));
    }
  }
}
