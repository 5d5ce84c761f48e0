package build.kiln.operator.job;

/**
 * Names that follow from what they name, so that making a thing twice makes it once: the second
 * create is answered with 409.
 */
public final class Names {
  /** Leaves room for the suffix that a Job's pods get. */
  private static final int LONGEST_JOB = 57;

  private Names() {}

  /**
   * The name of a Job, and of the ConfigMap with its order: {@code <resource>-<run>-<hash>}.
   * Nothing that may be answered otherwise the next time, such as the tier, is part of it.
   */
  public static String job(String resource, String uid, long run, int attempt) {
    String end = "-%d-%s".formatted(run, Hashes.sha256("%s/%d/%d".formatted(uid, run, attempt), 8));
    return start(resource, LONGEST_JOB - end.length()) + end;
  }

  /** The name of an event; the parts say what makes it another event. */
  public static String event(String resource, String... parts) {
    return start(resource, 200) + "." + Hashes.sha256(String.join("/", parts), 16);
  }

  private static String start(String name, int length) {
    String label = name.replace('.', '-');
    String cut = label.length() <= length ? label : label.substring(0, length);
    return cut.replaceAll("-+$", "");
  }
}
