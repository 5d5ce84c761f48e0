package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.context.ArchiveContext;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.EmptyContext;
import build.kiln.runtime.context.GitCheckout;
import build.kiln.runtime.context.GitCheckoutContext;
import build.kiln.runtime.dockerfile.AddSource;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.GitReference;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.registry.HttpFiles;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Build contexts that are no folders, as docker build takes them: a Git repository, an archive from
 * a URL or standard input, or one Dockerfile from there.
 */
final class FarContexts {
  static final int LARGEST_DOCKERFILE = 8 << 20;

  private final Engine engine;

  /**
   * A context.
   *
   * @param dockerfile the Dockerfile, if that is all there is; null if it is in the context
   */
  record Far(BuildContext context, byte @Nullable [] dockerfile) {}

  FarContexts(Engine engine) {
    this.engine = engine;
  }

  /** Whether a context is no folder. */
  static boolean isFar(String text) {
    return text.equals("-") || isGit(text) || AddSource.of(text) == AddSource.URL;
  }

  private static boolean isGit(String text) {
    return AddSource.of(text) == AddSource.GIT
        || text.toLowerCase(Locale.ROOT).startsWith("github.com/");
  }

  /** Fetches it. */
  Far open(String text) throws CommandFailure {
    try {
      if (text.equals("-")) {
        Path file = engine.store().scratch("context").resolve("stdin");
        Files.copy(System.in, file);
        return of(file, "standard input");
      }
      return isGit(text) ? new Far(git(text), null) : url(text);
    } catch (DockerfileException | IllegalArgumentException e) {
      throw CommandFailure.usage(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      BuildException failed = BuildException.of("get the context " + text, e);
      throw new CommandFailure(
          ExitCodes.of(failed.reason(), Isolation.Auto), BuildFailures.text(failed), e);
    }
  }

  private BuildContext git(String text) throws IOException {
    String full = AddSource.of(text) == AddSource.GIT ? text : "https://" + text;
    GitReference reference = GitReference.of("CONTEXT", full);
    var access = engine.environment().git();
    GitCheckout.Revision revision =
        GitCheckout.resolve(reference.url(), reference.revision(), access);
    String checksum = reference.checksum();
    if (checksum != null && !revision.commit().startsWith(checksum)) {
      throw new IOException("it is the commit " + revision.commit() + ", not " + checksum);
    }
    var wanted =
        new GitCheckout.Wanted(
            reference.folder(),
            Boolean.TRUE.equals(reference.keepGitDir()),
            reference.submodules());
    return new GitCheckoutContext(
        GitCheckout.fetch(
            reference.url(), revision, wanted, access, engine.store().scratch("context")),
        revision.commit());
  }

  private Far url(String text) throws IOException {
    Path file = engine.store().scratch("context").resolve("download");
    engine
        .registry()
        .files()
        .get(HttpFiles.parse(text), file, HttpFiles.MOST_BYTES, (done, total) -> {});
    return of(file, text);
  }

  /** What begins as a tar is one; all else is a Dockerfile. */
  private static Far of(Path file, String what) throws IOException {
    if (isArchive(file, what)) {
      try (InputStream in = Files.newInputStream(file)) {
        return new Far(
            ArchiveContext.read(new BufferedInputStream(in), what, file.resolveSibling("contents")),
            null);
      } finally {
        Files.delete(file);
      }
    }
    if (Files.size(file) > LARGEST_DOCKERFILE) {
      throw new IOException("it is neither an archive nor a Dockerfile of at most 8 MiB");
    }
    byte[] text = Files.readAllBytes(file);
    Files.delete(file);
    return new Far(new EmptyContext(), text);
  }

  private static boolean isArchive(Path file, String what) throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      return TarReader.isArchive(in, what);
    }
  }
}
