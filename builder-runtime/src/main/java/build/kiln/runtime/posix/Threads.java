package build.kiln.runtime.posix;

/** Waits for threads. */
public final class Threads {
  private Threads() {}

  /**
   * Waits until a thread has ended, though it be interrupted meanwhile.
   *
   * @return whether it was; the interrupt is the caller's to pass on
   */
  public static boolean joinUninterruptibly(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
  }
}
