package build.kiln.operator.imagebuild;

import build.kiln.operator.job.Blocker;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a build's Job and its pods say. */
sealed interface Reading {
  /**
   * No builder runs yet, or again.
   *
   * @param blocker what keeps it from running, if it has lasted
   */
  record Waiting(Optional<Blocker> blocker) implements Reading {}

  /** A builder runs. */
  record Running(String pod) implements Reading {}

  /** The sandbox of the Job's tier does not start there. */
  record SandboxFailed(String message) implements Reading {}

  /**
   * It is over.
   *
   * @param pod whose log has the report, if there is one
   */
  record Ended(Result result, @Nullable String pod) implements Reading {}
}
