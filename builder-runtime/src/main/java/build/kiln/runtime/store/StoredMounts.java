package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.LockedFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
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

  /** All that have some content; none if they are another user's, who alone can remove them. */
  List<CacheUnit> list() throws IOException {
    var units = new ArrayList<CacheUnit>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(store.cacheMountsFolder())) {
      for (Path folder : folders) {
        list(folder, units);
      }
    } catch (NoSuchFileException | AccessDeniedException none) {
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
    try (DirectoryStream<Path> locks = Files.newDirectoryStream(folder, "*" + CacheMounts.LOCK)) {
      for (Path lock : locks) {
        List<Path> parts =
            CacheMounts.contents(name(lock)).stream()
                .map(folder::resolve)
                .filter(Files::isDirectory)
                .toList();
        if (!parts.isEmpty()) {
          units.add(
              new CacheUnit(
                  CacheUnit.Kind.MOUNT,
                  id,
                  List.of(lock),
                  false,
                  parts.stream().mapToLong(TreeSize::of).sum(),
                  Files.getLastModifiedTime(lock)));
        }
      }
    }
  }

  private static String name(Path lock) {
    String file = String.valueOf(lock.getFileName());
    return file.substring(0, file.length() - CacheMounts.LOCK.length());
  }

  /** Whether a step has it just now. */
  static boolean isLocked(CacheUnit mount) throws IOException {
    Optional<LockedFile> locked = LockedFile.tryLock(mount.files().getFirst(), true);
    locked.ifPresent(LockedFile::close);
    return locked.isEmpty();
  }

  /**
   * Removes a mount's content. Large trees take their time: who wants the mount meanwhile waits,
   * and nobody else.
   *
   * @return false if a step has it, or it was used since then
   */
  boolean remove(CacheUnit mount, FileTime oldestUse) throws IOException {
    Path lock = mount.files().getFirst();
    Optional<LockedFile> locked;
    try (LockedFile held = store.lock().exclusive()) {
      locked = LockedFile.tryLock(lock, true);
    }
    if (locked.isEmpty()) {
      return false;
    }
    try (LockedFile held = locked.get();
        DirectoryHandle folder = DirectoryHandle.open(Objects.requireNonNull(lock.getParent()))) {
      if (Uses.isUsed(lock, oldestUse)) {
        return false;
      }
      CacheMounts.discard(folder, name(lock));
      return true;
    }
  }
}
