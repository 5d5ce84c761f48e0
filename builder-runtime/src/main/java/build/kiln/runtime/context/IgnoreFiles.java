package build.kiln.runtime.context;

import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.SourceFile;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Finds the ignore file of a build. */
public final class IgnoreFiles {
  private static final int MAX_BYTES = 1024 * 1024;

  /**
   * The ignore file that counts for a Dockerfile: {@code <Dockerfile>.dockerignore} beside it, else
   * {@code .dockerignore} in the context's root, else none. What it hides is hidden from COPY and
   * ADD only: the Dockerfile and the ignore file itself are read by {@link BuildContext#read} in
   * any case.
   *
   * @param dockerfilePath its path in the context; null if it is not in it
   * @throws build.kiln.runtime.dockerfile.DockerfileException if a line is no pattern
   * @throws ContextException TOO_LARGE over 1 MiB
   */
  public static IgnoreFile of(BuildContext context, @Nullable String dockerfilePath)
      throws IOException {
    if (dockerfilePath != null) {
      String own = dockerfilePath + ".dockerignore";
      Optional<byte[]> found = context.read(own, MAX_BYTES);
      if (found.isPresent()) {
        return IgnoreFile.parse(SourceFile.of(own, found.get()));
      }
    }
    String name = ".dockerignore";
    return context
        .read(name, MAX_BYTES)
        .map(text -> IgnoreFile.parse(SourceFile.of(name, text)))
        .orElse(IgnoreFile.none());
  }

  private IgnoreFiles() {}
}
