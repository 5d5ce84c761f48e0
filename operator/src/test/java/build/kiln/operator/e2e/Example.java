package build.kiln.operator.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** The repository's files, as a user has them. */
final class Example {
  private Example() {}

  /** The repository's root: tests run in the module's folder. */
  static Path repository() {
    return Objects.requireNonNull(Path.of("").toAbsolutePath().getParent());
  }

  /** An example's manifest with this namespace's registry, and the Git server, in place. */
  static String manifest(String example, TestNamespace namespace) {
    return text("examples/" + example + "/imagebuild.yaml")
        .replace("registry.example.com/examples", namespace.repository("examples"))
        .replace("https://git.example.com", "http://" + Service.GIT.address());
  }

  static String text(String path) {
    try {
      return Files.readString(repository().resolve(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
