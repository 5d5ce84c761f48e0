package build.kiln.operator.e2e;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus.Failure;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a test reads of an ImageBuild that must be there. */
final class Builds {
  private Builds() {}

  static Optional<Condition> ready(ImageBuild build) {
    return Optional.ofNullable(build.getStatus()).flatMap(status -> status.condition("Ready"));
  }

  /** The message of the Ready condition. */
  static String message(ImageBuild build) {
    return there(ready(build).orElseThrow().getMessage(), "message of Ready", build);
  }

  static Run newestRun(ImageBuild build) {
    return build.getStatus().newestRun().orElseThrow();
  }

  static Failure failure(ImageBuild build) {
    return there(newestRun(build).failure(), "failure", build);
  }

  /** The failure's message. */
  static String failureMessage(ImageBuild build) {
    return there(failure(build).message(), "failure message", build);
  }

  static String image(ImageBuild build) {
    return there(build.getStatus().image(), "image", build);
  }

  /** What started the newest run. */
  static String cause(ImageBuild build) {
    return there(newestRun(build).cause(), "cause", build).type();
  }

  static PlatformRun platform(ImageBuild build) {
    return newestRun(build).platform().orElseThrow();
  }

  /** The digest that the newest run pushed. */
  static String digest(ImageBuild build) {
    return there(platform(build).digest(), "digest", build);
  }

  private static <T> T there(@Nullable T value, String what, ImageBuild build) {
    if (value == null) {
      throw new AssertionError("no " + what + " in the status: " + build.getStatus());
    }
    return value;
  }
}
