package build.kiln.operator.e2e;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;
import org.eclipse.jgit.lib.Repository;
import org.slf4j.Logger;

/** The image of {@link GitServer}: this test's own classes on a JRE, made by the Docker daemon. */
final class GitImage {
  static final String NAME = "kiln-e2e-git:1";

  private GitImage() {}

  /** Makes the image anew. */
  static void make() {
    var container = "kiln-e2e-git-" + ProcessHandle.current().pid();
    Processes.run(
            "docker",
            "create",
            "--name",
            container,
            Images.JRE,
            "java",
            "-cp",
            "/srv/*:/srv/classes",
            GitServer.class.getName(),
            "8080",
            "/tmp/repositories")
        .orThrow();
    try {
      for (var type : List.of(Repository.class, Logger.class, DigestUtils.class)) {
        copy(location(type), container + ":/srv/");
      }
      copy(location(com.googlecode.javaewah.EWAHCompressedBitmap.class), container + ":/srv/");
      copy(location(GitServer.class), container + ":/srv/classes");
      Processes.run("docker", "commit", container, NAME).orThrow();
    } finally {
      Processes.run("docker", "rm", "-f", container);
    }
  }

  private static void copy(Path from, String to) {
    Processes.run("docker", "cp", from.toString(), to).orThrow();
  }

  private static Path location(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
