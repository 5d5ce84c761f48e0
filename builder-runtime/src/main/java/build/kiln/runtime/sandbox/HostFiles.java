package build.kiln.runtime.sandbox;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a step sees as {@code /etc/resolv.conf} and {@code /etc/hosts}.
 *
 * @param resolvConf content
 * @param hosts content; ends with the step's own host name
 */
record HostFiles(byte[] resolvConf, byte[] hosts) {
  static HostFiles read(SandboxConfig config) throws IOException {
    var hosts = new ByteArrayOutputStream();
    hosts.writeBytes(readIfThere(config.hosts()));
    hosts.writeBytes(("\n127.0.0.1 " + config.hostName() + "\n").getBytes(StandardCharsets.UTF_8));
    return new HostFiles(readIfThere(config.resolvConf()), hosts.toByteArray());
  }

  /** The content of {@code /etc/hosts} for a step that has another name, if it is not null. */
  byte[] hosts(@Nullable String hostName) {
    if (hostName == null) {
      return hosts;
    }
    var own = new ByteArrayOutputStream();
    own.writeBytes(hosts);
    own.writeBytes(("127.0.0.1 " + hostName + "\n").getBytes(StandardCharsets.UTF_8));
    return own.toByteArray();
  }

  /** A machine without a network has neither file. */
  private static byte[] readIfThere(Path file) throws IOException {
    return Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
  }
}
