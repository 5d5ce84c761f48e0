package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.dockerfile.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a build at a desk is made from.
 *
 * @param dockerfilePath where the Dockerfile is in the context; null if it is not in it
 * @param ignoreFile the ignore file beside a Dockerfile that is not in the context
 */
record BuildFiles(
    LocalContext context,
    SourceFile dockerfile,
    @Nullable String dockerfilePath,
    @Nullable SourceFile ignoreFile)
    implements AutoCloseable {

  /**
   * @param folder the context, as the user wrote it
   * @param file the Dockerfile, {@code -} for standard input, null for the context's own
   */
  static BuildFiles open(String folder, @Nullable String file) throws CommandFailure {
    LocalContext context = openContext(folder);
    try {
      Path top = Path.of(folder).toAbsolutePath().normalize();
      Path path =
          file == null ? top.resolve("Dockerfile") : Path.of(file).toAbsolutePath().normalize();
      boolean inContext = !"-".equals(file) && path.startsWith(top);
      boolean outside = !"-".equals(file) && !inContext;
      return new BuildFiles(
          context,
          SourceFile.of(file == null ? "Dockerfile" : file, read(path, file)),
          inContext ? top.relativize(path).toString() : null,
          outside ? ignoreFile(path) : null);
    } catch (CommandFailure | RuntimeException e) {
      context.close();
      throw e;
    }
  }

  private static LocalContext openContext(String folder) throws CommandFailure {
    if (folder.equals("-") || folder.matches("(?i)(https?|git|ssh)://.*|git@.*")) {
      throw CommandFailure.usage(
          "CONTEXT \"%s\": only a folder is supported as yet; kiln run -f builds from Git"
              .formatted(folder));
    }
    try {
      return LocalContext.open(Path.of(folder));
    } catch (IOException e) {
      throw CommandFailure.usage(e.getMessage() == null ? folder : e.getMessage());
    }
  }

  private static @Nullable SourceFile ignoreFile(Path dockerfile) throws CommandFailure {
    Path beside = dockerfile.resolveSibling(dockerfile.getFileName() + ".dockerignore");
    if (!Files.exists(beside)) {
      return null;
    }
    try {
      return SourceFile.of(beside.toString(), Files.readAllBytes(beside));
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.USER, "cannot read %s: %s".formatted(beside, e.getMessage()), e);
    }
  }

  private static byte[] read(Path path, @Nullable String file) throws CommandFailure {
    try {
      return "-".equals(file) ? System.in.readAllBytes() : Files.readAllBytes(path);
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.USER,
          "cannot read the Dockerfile %s: %s; name it with -f"
              .formatted(path, Files.exists(path) ? e.getMessage() : "there is no such file"),
          e);
    }
  }

  @Override
  public void close() {
    context.close();
  }
}
