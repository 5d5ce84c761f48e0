package build.kiln.runtime.layer;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/**
 * A tree of files that steps read: a build context, or the file system of an image or a stage.
 * Paths are as in {@link EntryMeta}; no method follows symbolic links. Kinds are never {@code
 * HARDLINK}: such entries are files with a link id.
 */
public interface FileTree {
  /**
   * The entry of this name itself, or empty if there is none. The root {@code ""} is always there.
   */
  Optional<EntryMeta> lookup(String path) throws IOException;

  /**
   * A directory's entries in the order of their names' bytes; empty for what is not a directory.
   */
  List<EntryMeta> children(String path) throws IOException;

  /** The SHA-256 of an entry that is a file, if it is known without reading the content. */
  default Optional<byte[]> knownHash(EntryMeta file) throws IOException {
    return Optional.empty();
  }

  /**
   * The content of an entry that is a file. If it is {@link Rememberable}, who hashed all of it
   * tells the hash.
   */
  InputStream open(EntryMeta file) throws IOException;
}
