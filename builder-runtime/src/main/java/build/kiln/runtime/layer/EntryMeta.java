package build.kiln.runtime.layer;

import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a file system says of one entry, but its content. Names are relative to the root, with
 * {@code /} between and neither at the start nor the end; the root itself is {@code ""}. Bytes that
 * are not UTF-8 are kept, see {@link build.kiln.runtime.posix.Names}.
 *
 * @param path where it is
 * @param mode permission bits with setuid, setgid and sticky: 0 to 07777
 * @param mtimeSeconds seconds since the epoch
 * @param mtimeNanos 0 to 999,999,999
 * @param size the content's bytes; 0 for all but files
 * @param linkTarget a symbolic link's text; a hard link's target as a path; else null
 * @param xattrs extended attributes by full name ({@code security.capability}, {@code user.x})
 * @param linkId entries of one tree with the same id other than 0 are hard links of one file
 */
public record EntryMeta(
    String path,
    Kind kind,
    int mode,
    int uid,
    int gid,
    long mtimeSeconds,
    int mtimeNanos,
    long size,
    @Nullable String linkTarget,
    int deviceMajor,
    int deviceMinor,
    SortedMap<String, byte[]> xattrs,
    long linkId) {

  /** What an entry is. */
  public enum Kind {
    FILE,
    DIRECTORY,
    SYMLINK,
    /** A further name for a file that came earlier in the same tar. */
    HARDLINK,
    CHARACTER_DEVICE,
    BLOCK_DEVICE,
    FIFO
  }

  public static EntryMeta file(String path, int mode, int uid, int gid, long mtime, long size) {
    return new EntryMeta(
        path, Kind.FILE, mode, uid, gid, mtime, 0, size, null, 0, 0, new TreeMap<>(), 0);
  }

  public static EntryMeta directory(String path, int mode, int uid, int gid, long mtime) {
    return new EntryMeta(
        path, Kind.DIRECTORY, mode, uid, gid, mtime, 0, 0, null, 0, 0, new TreeMap<>(), 0);
  }

  public static EntryMeta symlink(String path, String target, int uid, int gid, long mtime) {
    return new EntryMeta(
        path, Kind.SYMLINK, 0777, uid, gid, mtime, 0, 0, target, 0, 0, new TreeMap<>(), 0);
  }

  public EntryMeta withPath(String newPath) {
    return new EntryMeta(
        newPath,
        kind,
        mode,
        uid,
        gid,
        mtimeSeconds,
        mtimeNanos,
        size,
        linkTarget,
        deviceMajor,
        deviceMinor,
        xattrs,
        linkId);
  }

  public EntryMeta withOwner(int newUid, int newGid) {
    return new EntryMeta(
        path,
        kind,
        mode,
        newUid,
        newGid,
        mtimeSeconds,
        mtimeNanos,
        size,
        linkTarget,
        deviceMajor,
        deviceMinor,
        xattrs,
        linkId);
  }

  public EntryMeta withMode(int newMode) {
    return new EntryMeta(
        path,
        kind,
        newMode,
        uid,
        gid,
        mtimeSeconds,
        mtimeNanos,
        size,
        linkTarget,
        deviceMajor,
        deviceMinor,
        xattrs,
        linkId);
  }

  public EntryMeta withMtime(long seconds, int nanos) {
    return new EntryMeta(
        path,
        kind,
        mode,
        uid,
        gid,
        seconds,
        nanos,
        size,
        linkTarget,
        deviceMajor,
        deviceMinor,
        xattrs,
        linkId);
  }

  /** This entry as one of the hard links of one file; 0 for none. */
  public EntryMeta withLinkId(long newLinkId) {
    return new EntryMeta(
        path,
        kind,
        mode,
        uid,
        gid,
        mtimeSeconds,
        mtimeNanos,
        size,
        linkTarget,
        deviceMajor,
        deviceMinor,
        xattrs,
        newLinkId);
  }

  /** This entry as a hard link to an earlier one. */
  public EntryMeta asHardLinkTo(String target) {
    return new EntryMeta(
        path,
        Kind.HARDLINK,
        mode,
        uid,
        gid,
        mtimeSeconds,
        mtimeNanos,
        0,
        target,
        0,
        0,
        xattrs,
        linkId);
  }

  /** This entry as it is read back from a tar, which knows no link ids. */
  EntryMeta asRead() {
    boolean device = kind == Kind.CHARACTER_DEVICE || kind == Kind.BLOCK_DEVICE;
    boolean link = kind == Kind.SYMLINK || kind == Kind.HARDLINK;
    return new EntryMeta(
        path,
        kind,
        mode & 07777,
        uid,
        gid,
        mtimeSeconds,
        mtimeNanos,
        kind == Kind.FILE ? size : 0,
        link ? linkTarget : null,
        device ? deviceMajor : 0,
        device ? deviceMinor : 0,
        xattrs,
        0);
  }

  /** The last part of the path. */
  public String name() {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  public boolean isDirectory() {
    return kind == Kind.DIRECTORY;
  }
}
