package build.kiln.api.work;

/** Exit codes of {@code kiln}; the operator's pod failure policy and scripts rely on them. */
public enum ExitCode {
  /** All done. */
  OK(0),
  /**
   * The user's to mend: Dockerfile, a failing step, a missing base, refused credentials. No retry
   * helps.
   */
  USER(1),
  /** The command line or the manifest is wrong. */
  USAGE(2),
  /**
   * The process needed more memory than Java may have. The JVM itself ends with this code then
   * ({@code -XX:+ExitOnOutOfMemoryError}), whichever thread it was, and leaves no word: so nothing
   * else may have it.
   */
  OUT_OF_MEMORY(3),
  /** The sandbox of the tier that was asked for does not start here; the next tier may. */
  SANDBOX(4),
  /** Registry down, disk full, node trouble, or a bug: a retry may help. */
  INFRASTRUCTURE(5);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
