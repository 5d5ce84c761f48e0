package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.work.Outcome;
import org.jspecify.annotations.Nullable;

/** What a run came to. */
sealed interface Result {
  /** The image was pushed. */
  record Success(Outcome outcome, String image, String digest) implements Result {}

  /**
   * It was not.
   *
   * @param message what happened, where, and what to do
   * @param outcome what the builder said, if it said something
   */
  record Failure(FailureReason reason, String message, @Nullable Outcome outcome)
      implements Result {
    Failure(FailureReason reason, String message) {
      this(reason, message, null);
    }
  }
}
