package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.HasMetadata;
import org.jspecify.annotations.Nullable;

/** The wish for a run, as it is kept on the status: a user's text, of any length. */
public final class Wish {
  /** What is longer is kept by its hash. */
  public static final int LONGEST = 128;

  private Wish() {}

  /**
   * What is compared and kept; null if there is no wish.
   *
   * @param annotation that holds it
   */
  public static @Nullable String of(HasMetadata resource, String annotation) {
    var text = Labels.annotation(resource, annotation);
    return text == null || text.length() <= LONGEST
        ? text
        : "sha256:" + Hashes.sha256(text, Hashes.WHOLE);
  }
}
