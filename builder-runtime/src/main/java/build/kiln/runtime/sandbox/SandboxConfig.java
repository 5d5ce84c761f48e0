package build.kiln.runtime.sandbox;

import java.nio.file.Path;
import java.util.List;

/**
 * What a sandbox needs from the installation.
 *
 * @param scratch an existing directory for what a step needs while it runs, on a file system that
 *     overlay accepts as upper (not itself an overlay); only this process uses it
 * @param searchPath where crun and the util-linux programs are looked for
 * @param resolvConf what a step sees as {@code /etc/resolv.conf}
 * @param hosts what a step sees as {@code /etc/hosts}
 * @param allowChroot whether {@code Auto} may fall back to the chroot tier
 * @param hostName the host name that a step sees, where it has its own
 */
public record SandboxConfig(
    Path scratch,
    List<Path> searchPath,
    Path resolvConf,
    Path hosts,
    boolean allowChroot,
    String hostName) {
  private static final List<Path> SYSTEM_PATH =
      List.of(
          Path.of("/usr/local/sbin"),
          Path.of("/usr/local/bin"),
          Path.of("/usr/sbin"),
          Path.of("/usr/bin"),
          Path.of("/sbin"),
          Path.of("/bin"));

  public SandboxConfig {
    searchPath = List.copyOf(searchPath);
  }

  /** This machine's resolver and hosts, programs from the system's folders. */
  public static SandboxConfig of(Path scratch, boolean allowChroot) {
    return new SandboxConfig(
        scratch,
        SYSTEM_PATH,
        Path.of("/etc/resolv.conf"),
        Path.of("/etc/hosts"),
        allowChroot,
        "kiln");
  }
}
