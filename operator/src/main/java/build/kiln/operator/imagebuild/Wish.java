package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import org.jspecify.annotations.Nullable;

/** The wish for a rebuild, as it is kept on the status: a user's text, of any length. */
final class Wish {
  /** What is longer is kept by its hash. */
  static final int LONGEST = 128;

  private Wish() {}

  /** What is compared and kept; null if there is no wish. */
  static @Nullable String of(ImageBuild build) {
    var text = Labels.annotation(build, ImageBuild.REBUILD_ANNOTATION);
    return text == null || text.length() <= LONGEST
        ? text
        : "sha256:" + Hashes.sha256(text, Hashes.WHOLE);
  }
}
