package build.kiln.operator.e2e;

import java.util.List;
import java.util.Optional;

/** What an end-to-end test needs of the machine. */
final class Prerequisites {
  private static final Optional<String> MISSING = look();

  private Prerequisites() {}

  /** Why no end-to-end test can run here, in words for the closing count. */
  static Optional<String> missing() {
    return MISSING;
  }

  private static Optional<String> look() {
    if (!Processes.onPath("docker") || !Processes.run("docker", "version").succeeded()) {
      return Optional.of("end-to-end tests need a Docker daemon, and none answers");
    }
    for (var tool : List.of("helm", "kubectl")) {
      if (!Processes.onPath(tool)) {
        return Optional.of("end-to-end tests need " + tool + " on PATH");
      }
    }
    return Images.BASES.stream()
        .filter(image -> !Images.isInDaemon(image) && !Images.pull(image))
        .findFirst()
        .map(
            image ->
                "end-to-end tests need the image %s, which the Docker daemon neither has nor can pull"
                    .formatted(image));
  }
}
