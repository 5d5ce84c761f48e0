package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.context.ContextException;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.registry.RegistryException;
import build.kiln.runtime.rootfs.RootfsException;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What went wrong below, in the words and reasons of a build. */
final class Failures {
  private static final String FULL =
      "the workspace is full: give it more room (spec.workspace.size in a cluster), or remove what is not needed";

  private static final Pattern NO_ROOM =
      Pattern.compile("No space left on device|Disk quota exceeded");

  private Failures() {}

  /** A base image could not be had. */
  static BuildException pulling(String image, Exception cause) {
    if (cause instanceof RegistryException registry) {
      return new BuildException(pulling(registry), message(cause), cause);
    }
    return other("pull " + image, cause);
  }

  /** An image could not be pushed. */
  static BuildException pushing(String image, Exception cause) {
    if (cause instanceof RegistryException registry) {
      return new BuildException(
          switch (registry.code()) {
            case DENIED, NOT_FOUND, UNSUPPORTED -> FailureReason.PushDenied;
            case UNAUTHORIZED -> FailureReason.Unauthorized;
            case UNAVAILABLE -> FailureReason.RegistryUnavailable;
            case INVALID -> FailureReason.RegistryInvalid;
          },
          message(cause),
          cause);
    }
    return other("push " + image, cause);
  }

  /** Anything else: the disk, a broken image, a context. */
  static BuildException other(String tried, Exception cause) {
    FailureReason reason = reason(cause);
    String what = reason == FailureReason.DiskFull ? "; " + FULL : "";
    return new BuildException(
        reason, "tried to " + tried + ", but " + message(cause) + what, cause);
  }

  /** The same of a step, with its place in the Dockerfile. */
  static BuildException step(Instruction instruction, Exception cause) {
    FailureReason reason = reason(cause);
    String text =
        StepProblems.text(
            instruction.origin().keyword(),
            "tried to do this step, but " + message(cause),
            reason == FailureReason.DiskFull ? FULL : null);
    return new BuildException(reason, text, cause);
  }

  static FailureReason reason(Throwable cause) {
    if (isDiskFull(cause)) {
      return FailureReason.DiskFull;
    }
    return switch (cause) {
      case LayerException e -> FailureReason.StepFailed;
      case OciException e -> FailureReason.StepFailed;
      case RootfsException e when e.code() == RootfsException.Code.TOO_MANY_LAYERS ->
          FailureReason.StepFailed;
      case ContextException e ->
          switch (e.code()) {
            case UNAVAILABLE -> FailureReason.SourceUnavailable;
            case UNAUTHORIZED -> FailureReason.Unauthorized;
            case SECRET_INCOMPLETE -> FailureReason.SecretNotFound;
            case NOT_FOUND, INVALID, TOO_LARGE -> FailureReason.SourceNotFound;
            case CHANGED, UNREADABLE -> FailureReason.StepFailed;
          };
      case RegistryException e -> pulling(e);
      default -> FailureReason.Infrastructure;
    };
  }

  private static FailureReason pulling(RegistryException cause) {
    return switch (cause.code()) {
      case NOT_FOUND, UNSUPPORTED -> FailureReason.BaseImageNotFound;
      case UNAUTHORIZED, DENIED -> FailureReason.Unauthorized;
      case UNAVAILABLE -> FailureReason.RegistryUnavailable;
      case INVALID -> FailureReason.RegistryInvalid;
    };
  }

  /**
   * Removes from a store what is damaged, if that may be why something failed.
   *
   * @return what was removed
   */
  static List<Digest> removeDamaged(BuildException failure, LocalStore store) {
    Throwable cause = failure.getCause();
    if (cause == null || failure.reason().retryable() && cause instanceof RegistryException) {
      return List.of();
    }
    try {
      return store.removeDamaged();
    } catch (IOException e) {
      failure.addSuppressed(e);
      return List.of();
    }
  }

  static boolean isDiskFull(@Nullable Throwable cause) {
    for (Throwable e = cause; e != null; e = e.getCause()) {
      boolean full =
          e instanceof PosixException p
              ? p.errno() == Errno.ENOSPC || p.errno() == Errno.EDQUOT
              : e instanceof IOException
                  && !(e instanceof StoreException)
                  && NO_ROOM.matcher(String.valueOf(e.getMessage())).find();
      if (full) {
        return true;
      }
    }
    return false;
  }

  /** Whether somebody wants the build to end. */
  static boolean isInterrupt(Throwable cause) {
    return cause instanceof InterruptedException
        || cause instanceof ClosedByInterruptException
        || cause instanceof InterruptedIOException
            && !(cause instanceof java.net.SocketTimeoutException);
  }

  static String message(Throwable cause) {
    String text = cause.getMessage();
    return text == null || text.isBlank() ? cause.getClass().getSimpleName() : text;
  }
}
