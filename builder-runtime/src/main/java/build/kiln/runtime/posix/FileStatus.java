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

  /** Of {@code struct statx}, up to the device's number, in pieces of eight bytes. */
  private static final int LONGS = 18;

  /**
   * Reads {@code struct statx}, whose layout is the same on every architecture. Copied as a whole
   * first: looking into native memory is slow until it is compiled.
   */
  static FileStatus read(MemorySegment s) {
    long[] statx = new long[LONGS];
    MemorySegment.copy(s, ValueLayout.JAVA_LONG, 0, statx, 0, LONGS);
    int mode = at(statx, 28) & 0xffff;
    return new FileStatus(
        FileType.ofMode(mode),
        mode & 07777,
        at(statx, 20),
        at(statx, 24),
        statx[40 / Long.BYTES],
        statx[112 / Long.BYTES],
        at(statx, 120),
        statx[96 / Long.BYTES],
        at(statx, 104),
        statx[32 / Long.BYTES],
        (long) at(statx, 136) << 32 | Integer.toUnsignedLong(at(statx, 140)),
        at(statx, 16),
        at(statx, 128),
        at(statx, 132));
  }

  /** The four bytes at an offset; both architectures are little-endian. */
  private static int at(long[] bytes, int offset) {
    long eight = bytes[offset / Long.BYTES];
    return (int) (offset % Long.BYTES == 0 ? eight : eight >>> Integer.SIZE);
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
