package build.kiln.runtime.posix;

/** What a directory's entry is, by the file-type bits of its mode (inode(7)). */
public enum FileType {
  FIFO(0010000),
  CHARACTER_DEVICE(0020000),
  DIRECTORY(0040000),
  BLOCK_DEVICE(0060000),
  FILE(0100000),
  SYMLINK(0120000),
  SOCKET(0140000);

  private static final int MASK = 0170000;

  private final int bits;

  FileType(int bits) {
    this.bits = bits;
  }

  /** The bits as mknod(2) takes them. */
  int bits() {
    return bits;
  }

  /**
   * @throws IllegalArgumentException if the mode has no type that Linux knows
   */
  static FileType ofMode(int mode) {
    for (FileType type : values()) {
      if (type.bits == (mode & MASK)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "a mode without a file type: 0" + Integer.toOctalString(mode));
  }
}
