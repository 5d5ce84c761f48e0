package build.kiln.runtime.store;

import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;

/**
 * Something of the build cache that is kept or removed as a whole.
 *
 * @param id for people: the start of a digest, or a cache mount's id
 * @param files that go; a mount's is its lock, which stays; an unpacked layer's what is written
 *     about it
 * @param shared whether images need it too, or it tells of what they need: only a removal of all
 *     takes it
 * @param size in bytes
 * @param used when it was last used
 */
public record CacheUnit(
    Kind kind, String id, List<Path> files, boolean shared, long size, FileTime used) {
  /** What it is. */
  public enum Kind {
    /** The result of a step: a layer, and the records that lead to it. */
    STEP,
    /** A blob of a base image. */
    BASE,
    /** What a layer holds, by path. */
    INDEX,
    /** What keys were made of, and the like. */
    RECORD,
    /** A directory of RUN --mount=type=cache. */
    MOUNT,
    /** A layer that is kept unpacked. */
    UNPACKED
  }

  public CacheUnit {
    files = List.copyOf(files);
  }
}
