package build.kiln.runtime.context;

import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.SourceFile;
import java.io.IOException;
import java.util.Optional;

/** Finds the ignore file of a build. */
public final class IgnoreFiles {
  private static final int MAX_BYTES = 1024 * 1024;

  /**
   * The ignore file that counts for a Dockerfile: {@code <Dockerfile>.dockerignore} beside it, else
   * {@code .dockerignore} in the context's root, else none. What it hides is hidden from COPY and
   * ADD only: the Dockerfile and the ignore file itself are read by {@link BuildContext#read} in
   * any case.
   *
   * @param dockerfilePath its path in the context
   * @throws build.kiln.runtime.dockerfile.DockerfileException if a line is no pattern
   * @throws ContextException TOO_LARGE over 1 MiB
   */
  public static IgnoreFile of(BuildContext context, String dockerfilePath) throws IOException {
    String own = dockerfilePath + ".dockerignore";
    Optional<byte[]> found = context.read(own, MAX_BYTES);
    String name = found.isPresent() ? own : ".dockerignore";
    if (found.isEmpty()) {
      found = context.read(name, MAX_BYTES);
    }
    return found.map(text -> IgnoreFile.parse(SourceFile.of(name, text))).orElse(IgnoreFile.none());
  }

  private IgnoreFiles() {}
}
