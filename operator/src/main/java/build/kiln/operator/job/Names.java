package build.kiln.operator.job;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Names that follow from what they name, so that making a thing twice makes it once: the second
 * create is answered with 409.
 */
public final class Names {
  /** Leaves room for the suffix that a Job's pods get. */
  private static final int LONGEST_JOB = 57;

  /** Of an object. Names and keys become parts of URLs and of paths in the pod. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");

  private static final Pattern KEY = Pattern.compile("(?!\\.$|\\.\\.)[-._a-zA-Z0-9]{1,253}");

  private Names() {}

  /** Whether a text may be an object's name, and so a part of a URL. */
  public static boolean isName(@Nullable String text) {
    return text != null && NAME.matcher(text).matches();
  }

  /** Whether a text may be a key of a Secret or a ConfigMap, and so a file's name. */
  public static boolean isKey(@Nullable String text) {
    return text != null && KEY.matcher(text).matches();
  }

  /**
   * The name of a Job, and of the ConfigMap with its order: {@code <resource>-<run>-<hash>}.
   * Nothing that may be answered otherwise the next time, such as the tier, is part of it.
   */
  public static String job(String resource, String uid, long run, int attempt) {
    return named(resource, "%s/%d/%d".formatted(uid, run, attempt), run, 8);
  }

  /** The same of a run's Job for a node, of which there may be thousands. */
  public static String nodeJob(String resource, String uid, long run, String nodeUid) {
    return named(resource, "%s/%s/%d".formatted(uid, nodeUid, run), run, 16);
  }

  private static String named(String resource, String what, long run, int digits) {
    String end = "-%d-%s".formatted(run, Hashes.sha256(what, digits));
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
