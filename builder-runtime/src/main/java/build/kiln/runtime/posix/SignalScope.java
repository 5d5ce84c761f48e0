package build.kiln.runtime.posix;

import java.lang.foreign.MemorySegment;

/**
 * Landlock's scope for signals and abstract sockets (landlock(7), ABI 6, Linux 6.12): who is in it
 * reaches only who is in it as well. Has no_new_privs with it, so setuid programs do not work in
 * it.
 */
public final class SignalScope {
  private static final int VERSION = 1;
  private static final int FIRST_ABI = 6;
  private static final long ABSTRACT_UNIX_SOCKET = 1;
  private static final long SIGNAL = 2;
  private static final int RULESET_SIZE = 24;
  private static final int PR_SET_NO_NEW_PRIVS = 38;

  private SignalScope() {}

  /** Whether the kernel has it, and lets this process use it. */
  public static boolean supported() {
    return Native.supported()
        && Native.call(Syscall.LANDLOCK_CREATE_RULESET, 0, 0, VERSION) >= FIRST_ABI;
  }

  /**
   * Puts the calling thread into a new scope, for ever, with all processes and threads that it
   * starts from now on. To be called on a platform thread that does nothing else.
   */
  public static void enter() throws PosixException {
    MemorySegment ruleset = Scratch.get().struct(0, 0, ABSTRACT_UNIX_SOCKET | SIGNAL);
    Native.check(
        Native.call(Syscall.PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0), Syscall.PRCTL, "no_new_privs");
    long fd =
        Native.check(
            Native.call(Syscall.LANDLOCK_CREATE_RULESET, ruleset.address(), RULESET_SIZE, 0),
            Syscall.LANDLOCK_CREATE_RULESET,
            "scope");
    try {
      Native.check(
          Native.call(Syscall.LANDLOCK_RESTRICT_SELF, fd, 0),
          Syscall.LANDLOCK_RESTRICT_SELF,
          "scope");
    } finally {
      Native.call(Syscall.CLOSE, fd);
    }
  }
}
