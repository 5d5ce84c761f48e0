package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.registry.Trust;
import java.io.IOException;
import java.nio.file.Path;
import javax.net.ssl.TrustManager;
import org.eclipse.jgit.errors.NotSupportedException;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.transport.CredentialsProvider;
import org.eclipse.jgit.transport.SshTransport;
import org.eclipse.jgit.transport.TagOpt;
import org.eclipse.jgit.transport.Transport;
import org.eclipse.jgit.transport.TransportHttp;
import org.eclipse.jgit.transport.sshd.SshdSessionFactory;
import org.jspecify.annotations.Nullable;

/** Opens transports to one repository, with its credentials, and tells failures. */
final class GitConnection implements AutoCloseable {
  private final GitAddress address;
  private final GitAccess access;
  private final @Nullable CredentialsProvider login;
  private final @Nullable GitHttp http;
  private final @Nullable SshdSessionFactory ssh;

  private GitConnection(
      GitAddress address,
      GitAccess access,
      @Nullable CredentialsProvider login,
      @Nullable GitHttp http,
      @Nullable SshdSessionFactory ssh) {
    this.address = address;
    this.access = access;
    this.login = login;
    this.http = http;
    this.ssh = ssh;
  }

  /** Reads the Secret; connects to nothing yet. */
  static GitConnection of(GitAddress address, GitAccess access) throws IOException {
    GitIsolation.install();
    return switch (address.kind()) {
      case HTTP ->
          new GitConnection(
              address,
              access,
              GitSecret.login(address, access).orElse(null),
              new GitHttp(address, access.proxies(), authorities(access.caDirectory())),
              null);
      case SSH ->
          new GitConnection(
              address, access, null, null, GitSsh.sessions(GitSecret.ssh(address, access)));
      case GIT -> new GitConnection(address, access, null, null, null);
    };
  }

  private static TrustManager @Nullable [] authorities(@Nullable Path folder) throws IOException {
    try {
      return folder == null ? null : Trust.managers(folder);
    } catch (IOException e) {
      throw new ContextException(Code.INVALID, String.valueOf(e.getMessage()), e);
    }
  }

  /** Something to do with a transport. */
  interface Work<T> {
    T on(Transport transport) throws IOException;
  }

  /**
   * Does something with a new transport.
   *
   * @param local where objects go; null for none
   * @param what is tried, as in "read the refs"
   */
  <T> T call(@Nullable Repository local, String what, Work<T> work) throws ContextException {
    try (Transport transport = open(local)) {
      return work.on(transport);
    } catch (IOException e) {
      throw new GitFailures(address, access.secret() != null)
          .of(what, http == null ? 0 : http.lastStatus(), e);
    }
  }

  private Transport open(@Nullable Repository local) throws IOException {
    Transport transport = open(address, local);
    transport.setTimeout((int) Math.max(1, access.timeout().toSeconds()));
    transport.setTagOpt(TagOpt.NO_TAGS);
    // Also for null: else JGit would ask a provider that is set for the whole process.
    transport.setCredentialsProvider(login);
    if (transport instanceof TransportHttp overHttp && http != null) {
      overHttp.setHttpConnectionFactory(http);
    }
    if (transport instanceof SshTransport overSsh && ssh != null) {
      overSsh.setSshSessionFactory(ssh);
    }
    return transport;
  }

  private static Transport open(GitAddress address, @Nullable Repository local) throws IOException {
    try {
      return local == null ? Transport.open(address.uri()) : Transport.open(local, address.uri());
    } catch (NotSupportedException e) {
      throw new ContextException(
          Code.INVALID,
          "%s %s cannot be used: check it".formatted(address.words().url(), address),
          e);
    }
  }

  @Override
  public void close() {
    if (ssh != null) {
      ssh.close();
    }
  }
}
