package build.kiln.operator.e2e;

import com.googlecode.javaewah.EWAHCompressedBitmap;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;
import org.eclipse.jgit.lib.Repository;
import org.slf4j.Logger;

/**
 * The image of {@link GitServer} and {@link DenyingRegistry}: this test's own classes on a JRE,
 * made by the Docker daemon.
 */
final class ServersImage {
  static final String NAME = "kiln-e2e-servers:1";

  private ServersImage() {}

  /** Makes the image anew. */
  static void make() {
    var container = "kiln-e2e-servers-" + ProcessHandle.current().pid();
    Processes.run("docker", "create", "--name", container, Images.JRE, "true").orThrow();
    try {
      var libraries =
          List.of(Repository.class, Logger.class, DigestUtils.class, EWAHCompressedBitmap.class);
      for (var type : libraries) {
        copy(location(type), container + ":/srv/");
      }
      copy(location(GitServer.class), container + ":/srv/classes");
      Processes.run("docker", "commit", container, NAME).orThrow();
    } finally {
      Processes.run("docker", "rm", "-f", container);
    }
  }

  /** The command of a pod that runs a class of this test with these arguments, as YAML. */
  static String command(Class<?> main, String... arguments) {
    return "[java, -Xmx64m, -XX:TieredStopAtLevel=1, -XX:+UseSerialGC, -cp, \"/srv/*:/srv/classes\", %s, \"%s\"]"
        .formatted(main.getName(), String.join("\", \"", arguments));
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
