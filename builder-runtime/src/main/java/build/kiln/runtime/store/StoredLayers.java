package build.kiln.runtime.store;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.posix.UniqueNames;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/** The unpacked layers that a store holds, of all forms, laid out as {@link KeptLayers} says. */
final class StoredLayers {
  private static final String GOING = "~";

  private final LocalStore store;

  StoredLayers(LocalStore store) {
    this.store = store;
  }

  /**
   * All of them, and what is left of those whose removal was cut off; none if they are another
   * user's, who alone can remove them.
   *
   * @param ofImages the diff IDs of images' layers
   */
  List<CacheUnit> list(Set<Digest> ofImages) throws IOException {
    Set<String> names =
        ofImages.stream().map(id -> id.algorithm() + "-" + id.hex()).collect(Collectors.toSet());
    var units = new ArrayList<CacheUnit>();
    try (DirectoryStream<Path> forms = Files.newDirectoryStream(store.unpackedFolder())) {
      for (Path form : forms) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(form)) {
          for (Path entry : entries) {
            String name = String.valueOf(entry.getFileName());
            if (!name.endsWith(KeptLayers.LOCK)) {
              units.add(unit(entry, name, names.contains(name)));
            }
          }
        }
      }
    } catch (NoSuchFileException | AccessDeniedException none) {
      return units;
    }
    return units;
  }

  private static CacheUnit unit(Path entry, String name, boolean shared) throws IOException {
    Path about = entry.resolve(KeptLayers.ABOUT);
    long size = KeptRecord.read(about).map(KeptRecord::bytes).orElseGet(() -> TreeSize.of(entry));
    String id = name.substring(name.indexOf('-') + 1);
    return new CacheUnit(
        CacheUnit.Kind.UNPACKED,
        id.substring(0, Math.min(12, id.length())),
        List.of(about),
        shared,
        size,
        used(entry, about));
  }

  /** A removal that goes on just now is told by when the entry got its name. */
  private static FileTime used(Path entry, Path about) throws IOException {
    try {
      return isGoing(entry) ? renamed(entry) : Files.getLastModifiedTime(about);
    } catch (NoSuchFileException gone) {
      return FileTime.fromMillis(0);
    }
  }

  private static boolean isGoing(Path entry) {
    return String.valueOf(entry.getFileName()).contains(GOING);
  }

  private static FileTime renamed(Path entry) throws IOException {
    return (FileTime) Files.getAttribute(entry, "unix:ctime", LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * Removes one. It loses its name at once, and then its files: large trees take their time, and
   * nobody waits for that.
   *
   * @return false if it was used since then, or is another user's
   */
  boolean remove(CacheUnit unit, FileTime oldestUse) throws IOException {
    Path about = unit.files().getFirst();
    Path entry = Objects.requireNonNull(about.getParent());
    Path form = Objects.requireNonNull(entry.getParent());
    String name = String.valueOf(entry.getFileName());
    try (DirectoryHandle folder = DirectoryHandle.open(form)) {
      String going = name;
      try (LockedFile held = store.lock().exclusive()) {
        boolean used =
            isGoing(entry)
                ? renamed(entry).compareTo(oldestUse) >= 0
                : Uses.isUsed(about, oldestUse);
        if (used) {
          return false;
        }
        if (!isGoing(entry)) {
          going = name + GOING + UniqueNames.next();
          folder.rename(name, folder, going);
        }
      }
      TreeRemover.remove(folder, going);
      return true;
    } catch (NoSuchFileException gone) {
      return true;
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOENT) {
        return true;
      }
      if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
        return false;
      }
      throw e;
    }
  }
}
