package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.mirror.CopyException;
import build.kiln.runtime.registry.RegistryException;
import build.kiln.runtime.store.StoreException;
import java.io.IOException;
import java.nio.file.FileSystemException;

/** A command ends with this message and code. */
final class CommandFailure extends Exception {
  private final ExitCode exitCode;

  CommandFailure(ExitCode exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  CommandFailure(ExitCode exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  static CommandFailure usage(String message) {
    return new CommandFailure(ExitCode.USAGE, message);
  }

  /** A disk, a folder or a file does not do what it should. */
  static CommandFailure infrastructure(IOException cause) {
    String text = String.valueOf(cause.getMessage());
    return new CommandFailure(
        ExitCode.INFRASTRUCTURE,
        cause instanceof FileSystemException
            ? "cannot use %s (%s)".formatted(text, cause.getClass().getSimpleName())
            : text,
        cause);
  }

  /** What a registry, the store or a file could not do; who can mend it decides the code. */
  static CommandFailure of(IOException cause) {
    return switch (cause) {
      case RegistryException e when !e.retryable() ->
          new CommandFailure(ExitCode.USER, String.valueOf(e.getMessage()), e);
      case CopyException e when !e.retryable() ->
          new CommandFailure(ExitCode.USER, String.valueOf(e.getMessage()), e);
      case StoreException e when e.code() != StoreException.Code.CONTENT_MISMATCH ->
          new CommandFailure(ExitCode.USER, String.valueOf(e.getMessage()), e);
      default -> infrastructure(cause);
    };
  }

  ExitCode exitCode() {
    return exitCode;
  }
}
