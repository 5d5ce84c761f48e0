package build.kiln.runtime.context;

import build.kiln.runtime.registry.ProxySettings;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What Git repositories are reached with. Nothing else is: no Git configuration, no credential
 * helper and no ssh agent of the machine.
 *
 * @param secret the folder of a Secret: {@code username} and {@code password} (or a token as the
 *     password), or {@code ssh-privatekey} and {@code known_hosts}; null for none
 * @param sshFolder at a desk the user's {@code ~/.ssh}, for ssh without a Secret; null in a cluster
 * @param caDirectory a folder of PEM files trusted besides Java's own authorities
 * @param proxies for http and https; ssh and git are always direct
 * @param timeout how long to wait for a connection, or for the server to say something
 */
public record GitAccess(
    @Nullable Path secret,
    @Nullable Path sshFolder,
    @Nullable Path caDirectory,
    ProxySettings proxies,
    Duration timeout) {

  /** No credentials, no proxies, one minute. */
  public static GitAccess anonymous() {
    return new GitAccess(null, null, null, ProxySettings.NONE, Duration.ofMinutes(1));
  }

  public GitAccess withSecret(@Nullable Path folder) {
    return new GitAccess(folder, sshFolder, caDirectory, proxies, timeout);
  }

  public GitAccess withSshFolder(@Nullable Path folder) {
    return new GitAccess(secret, folder, caDirectory, proxies, timeout);
  }

  public GitAccess withCaDirectory(@Nullable Path folder) {
    return new GitAccess(secret, sshFolder, folder, proxies, timeout);
  }

  public GitAccess withProxies(ProxySettings newProxies) {
    return new GitAccess(secret, sshFolder, caDirectory, newProxies, timeout);
  }

  public GitAccess withTimeout(Duration newTimeout) {
    return new GitAccess(secret, sshFolder, caDirectory, proxies, newTimeout);
  }
}
