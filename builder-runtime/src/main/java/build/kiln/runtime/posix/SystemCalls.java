package build.kiln.runtime.posix;

/** System calls as a whole. */
public final class SystemCalls {
  private SystemCalls() {}

  /**
   * Makes the way into the kernel, which takes a JVM 15 milliseconds, ahead of its first use. Does
   * nothing where no system calls are known: their first use says so.
   */
  public static void prepare() {
    if (Native.supported()) {
      Native.call(Syscall.GETEUID, 0);
    }
  }
}
