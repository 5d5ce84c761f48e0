package build.kiln.runtime.posix;

import java.util.Locale;

/** Numbers of system calls on the two architectures that are supported. */
enum Syscall {
  READ(0, 63),
  WRITE(1, 64),
  CLOSE(3, 57),
  LSEEK(8, 62),
  FCHMOD(91, 52),
  FCHOWN(93, 55),
  FLOCK(73, 32),
  FTRUNCATE(77, 46),
  FSTATFS(138, 44),
  UMASK(95, 166),
  FSETXATTR(190, 7),
  LSETXATTR(189, 6),
  FGETXATTR(193, 10),
  LGETXATTR(192, 9),
  FLISTXATTR(196, 13),
  LLISTXATTR(195, 12),
  FREMOVEXATTR(199, 16),
  LREMOVEXATTR(198, 15),
  GETDENTS64(217, 61),
  GETEUID(107, 175),
  OPENAT(257, 56),
  MKDIRAT(258, 34),
  MKNODAT(259, 33),
  FCHOWNAT(260, 54),
  UNLINKAT(263, 35),
  LINKAT(265, 37),
  SYMLINKAT(266, 36),
  READLINKAT(267, 78),
  FCHMODAT(268, 53),
  UTIMENSAT(280, 88),
  RENAMEAT2(316, 276),
  MEMFD_CREATE(319, 279),
  COPY_FILE_RANGE(326, 285),
  STATX(332, 291),
  OPENAT2(437, 437),
  FCNTL(72, 25),
  PIPE2(293, 59),
  WAIT4(61, 260),
  WAITID(247, 95),
  KILL(62, 129),
  PRCTL(157, 167),
  LANDLOCK_CREATE_RULESET(444, 444),
  LANDLOCK_RESTRICT_SELF(446, 446);

  private final int x8664;
  private final int aarch64;

  Syscall(int x8664, int aarch64) {
    this.x8664 = x8664;
    this.aarch64 = aarch64;
  }

  int number() {
    return Architecture.CURRENT == Architecture.AARCH64 ? aarch64 : x8664;
  }

  /** The name as manuals have it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The machine's architecture, as far as it is supported. */
  enum Architecture {
    X86_64,
    AARCH64,
    UNSUPPORTED;

    static final Architecture CURRENT = current();

    private static Architecture current() {
      if (!System.getProperty("os.name", "").equals("Linux")) {
        return UNSUPPORTED;
      }
      return switch (System.getProperty("os.arch", "")) {
        case "amd64", "x86_64" -> X86_64;
        case "aarch64", "arm64" -> AARCH64;
        default -> UNSUPPORTED;
      };
    }
  }
}
