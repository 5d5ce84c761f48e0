package build.kiln.runtime.posix;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What statx(2) tells of an entry itself, never of what a symbolic link leads to.
 *
 * @param mode permission bits with setuid, setgid and sticky: 0 to 07777
 * @param inode the inode's number, unique with {@code device}
 * @param device the file system's device, major in the upper half
 * @param links how many names it has
 * @param deviceMajor for devices: which one
 */
public record FileStatus(
    FileType type,
    int mode,
    int uid,
    int gid,
    long size,
    long mtimeSeconds,
    int mtimeNanos,
    long ctimeSeconds,
    int ctimeNanos,
    long inode,
    long device,
    int links,
    int deviceMajor,
    int deviceMinor) {

  /** {@code STATX_BASIC_STATS}. */
  static final int MASK = 0x7ff;

  /** Reads {@code struct statx}, whose layout is the same on every architecture. */
  static FileStatus read(MemorySegment s) {
    int mode = Short.toUnsignedInt(s.get(ValueLayout.JAVA_SHORT, 28));
    return new FileStatus(
        FileType.ofMode(mode),
        mode & 07777,
        s.get(ValueLayout.JAVA_INT, 20),
        s.get(ValueLayout.JAVA_INT, 24),
        s.get(ValueLayout.JAVA_LONG, 40),
        s.get(ValueLayout.JAVA_LONG, 112),
        s.get(ValueLayout.JAVA_INT, 120),
        s.get(ValueLayout.JAVA_LONG, 96),
        s.get(ValueLayout.JAVA_INT, 104),
        s.get(ValueLayout.JAVA_LONG, 32),
        (long) s.get(ValueLayout.JAVA_INT, 136) << 32
            | Integer.toUnsignedLong(s.get(ValueLayout.JAVA_INT, 140)),
        s.get(ValueLayout.JAVA_INT, 16),
        s.get(ValueLayout.JAVA_INT, 128),
        s.get(ValueLayout.JAVA_INT, 132));
  }

  public boolean isDirectory() {
    return type == FileType.DIRECTORY;
  }

  public boolean isSameFile(FileStatus other) {
    return inode == other.inode && device == other.device;
  }

  /** Whether it is the character device 0:0, which overlay takes for "deleted". */
  public boolean isOverlayWhiteout() {
    return type == FileType.CHARACTER_DEVICE && deviceMajor == 0 && deviceMinor == 0;
  }
}
