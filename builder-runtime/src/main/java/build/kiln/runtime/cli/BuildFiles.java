package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.context.BuildContext;
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
    BuildContext context,
    SourceFile dockerfile,
    @Nullable String dockerfilePath,
    @Nullable SourceFile ignoreFile)
    implements AutoCloseable {

  /**
   * @param text the context, as the user wrote it
   * @param file the Dockerfile, {@code -} for standard input, null for the context's own
   */
  static BuildFiles open(String text, @Nullable String file, Engine engine) throws CommandFailure {
    if ("-".equals(file) && text.equals("-")) {
      throw CommandFailure.usage(
          "the context and the Dockerfile cannot both come from standard input");
    }
    return FarContexts.isFar(text) ? far(text, file, engine) : near(text, file, engine);
  }

  private static BuildFiles near(String folder, @Nullable String file, Engine engine)
      throws CommandFailure {
    LocalContext context = openContext(folder, engine);
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

  /** Of a context that is no folder, the Dockerfile is in it, or all there is. */
  private static BuildFiles far(String text, @Nullable String file, Engine engine)
      throws CommandFailure {
    FarContexts.Far far = new FarContexts(engine).open(text);
    boolean good = false;
    try {
      BuildFiles files = of(far, text, file);
      good = true;
      return files;
    } catch (IOException e) {
      throw CommandFailure.infrastructure(e);
    } finally {
      if (!good) {
        giveUp(far.context());
      }
    }
  }

  private static void giveUp(BuildContext context) {
    try {
      context.close();
    } catch (IOException e) {
      // What went wrong before is told; the store's scratch folder goes with the process.
    }
  }

  private static BuildFiles of(FarContexts.Far far, String text, @Nullable String file)
      throws CommandFailure, IOException {
    String path = file == null ? "Dockerfile" : file;
    if (path.equals("-")) {
      byte[] dockerfile = read(Path.of(path), path);
      return new BuildFiles(far.context(), SourceFile.of(path, dockerfile), null, null);
    }
    byte[] alone = far.dockerfile();
    if (alone != null) {
      if (file != null) {
        throw CommandFailure.usage("-f %s: %s is a Dockerfile itself".formatted(file, text));
      }
      return new BuildFiles(far.context(), SourceFile.of(path, alone), null, null);
    }
    byte[] dockerfile =
        far.context()
            .read(path, FarContexts.LARGEST_DOCKERFILE)
            .orElseThrow(
                () ->
                    new CommandFailure(
                        ExitCode.USER,
                        "%s has no file %s; name the Dockerfile with -f".formatted(text, path)));
    return new BuildFiles(far.context(), SourceFile.of(path, dockerfile), path, null);
  }

  private static LocalContext openContext(String folder, Engine engine) throws CommandFailure {
    try {
      return engine.openFolder(Path.of(folder));
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
  public void close() throws IOException {
    context.close();
  }
}
