package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.eclipse.jgit.transport.CredentialItem;
import org.eclipse.jgit.transport.CredentialsProvider;
import org.eclipse.jgit.transport.URIish;

/** What a Git Secret holds, a file a key; read when it is needed. */
final class GitSecret {
  /** What hosting services take beside a token when nothing is said. */
  private static final String DEFAULT_USER = "git";

  private static final List<String> DESK_KEYS = List.of("id_ed25519", "id_ecdsa", "id_rsa");

  /** Key files and the file of host keys for ssh. */
  record Ssh(List<Path> identities, Path knownHosts) {}

  /** The user and password for http, if there is a Secret. */
  static Optional<Login> login(GitAddress address, GitAccess access) throws IOException {
    Path folder = access.secret();
    if (folder == null) {
      return Optional.empty();
    }
    Path password = folder.resolve("password");
    if (!Files.isRegularFile(password)) {
      throw incomplete(address, folder, "password", "username and password (or a token)");
    }
    Path user = folder.resolve("username");
    return Optional.of(
        new Login(address, Files.isRegularFile(user) ? line(user) : DEFAULT_USER, line(password)));
  }

  /** The keys for ssh. Hosts whose key is not known are never believed, so known_hosts must be. */
  static Ssh ssh(GitAddress address, GitAccess access) throws IOException {
    Path folder = access.secret();
    if (folder != null) {
      Path key = folder.resolve("ssh-privatekey");
      Path known = folder.resolve("known_hosts");
      if (!Files.isRegularFile(key)) {
        throw incomplete(address, folder, "ssh-privatekey", "ssh-privatekey and known_hosts");
      }
      if (!Files.isRegularFile(known)) {
        throw incomplete(
            address,
            folder,
            "known_hosts",
            "the host's public keys in it (from the provider's documentation, or ssh-keyscan on a network you trust); without it anyone could pose as the host");
      }
      return new Ssh(List.of(key), known);
    }
    Path desk = access.sshFolder();
    if (desk == null) {
      throw new ContextException(
          Code.SECRET_INCOMPLETE,
          "%s is reached by ssh, which %s".formatted(address, address.words().ssh()));
    }
    Path known = desk.resolve("known_hosts");
    List<Path> keys = DESK_KEYS.stream().map(desk::resolve).filter(Files::isRegularFile).toList();
    if (keys.isEmpty() || !Files.isRegularFile(known)) {
      throw new ContextException(
          Code.SECRET_INCOMPLETE,
          "%s is reached by ssh, but %s lacks %s"
              .formatted(address, desk, keys.isEmpty() ? "a key (id_ed25519)" : "known_hosts"));
    }
    return new Ssh(keys, known);
  }

  private static ContextException incomplete(
      GitAddress address, Path folder, String key, String wanted) {
    return new ContextException(
        Code.SECRET_INCOMPLETE,
        "the Secret \"%s\" for %s has no key %s; it must have %s"
            .formatted(folder.getFileName(), address, key, wanted));
  }

  /** Secrets made with echo end with a newline that is no part of them. */
  private static String line(Path file) throws IOException {
    return Files.readString(file).replaceFirst("[\r\n]+$", "");
  }

  /** Gives user and password to the address's own host only. */
  static final class Login extends CredentialsProvider {
    private final GitAddress address;
    private final String user;
    private final String password;

    Login(GitAddress address, String user, String password) {
      this.address = address;
      this.user = user;
      this.password = password;
    }

    @Override
    public boolean isInteractive() {
      return false;
    }

    @Override
    public boolean supports(CredentialItem... items) {
      return Stream.of(items)
          .allMatch(
              item ->
                  item instanceof CredentialItem.Username
                      || item instanceof CredentialItem.Password);
    }

    @Override
    public boolean get(URIish uri, CredentialItem... items) {
      if (!supports(items)
          || !address.isSameOrigin(
              String.valueOf(uri.getScheme()), String.valueOf(uri.getHost()), uri.getPort())) {
        return false;
      }
      for (CredentialItem item : items) {
        if (item instanceof CredentialItem.Username name) {
          name.setValue(user);
        } else if (item instanceof CredentialItem.Password secret) {
          secret.setValue(password.toCharArray());
        }
      }
      return true;
    }
  }

  private GitSecret() {}
}
