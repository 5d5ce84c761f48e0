package build.kiln.runtime.posix;

import build.kiln.runtime.posix.Syscall.Architecture;

/** Flags of open(2); two of them differ between architectures. */
final class OpenFlags {
  private static final boolean ARM = Architecture.CURRENT == Architecture.AARCH64;

  static final int READ_ONLY = 0;
  static final int WRITE_ONLY = 1;
  static final int READ_WRITE = 2;
  static final int CREATE = 0100;
  static final int EXCLUSIVE = 0200;
  static final int NON_BLOCKING = 04000;
  static final int CLOSE_ON_EXEC = 02000000;
  static final int PATH = 010000000;
  static final int DIRECTORY = ARM ? 040000 : 0200000;
  static final int NO_FOLLOW = ARM ? 0100000 : 0400000;

  private OpenFlags() {}
}
