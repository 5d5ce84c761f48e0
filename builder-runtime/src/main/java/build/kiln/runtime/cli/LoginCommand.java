package build.kiln.runtime.cli;

import build.kiln.runtime.registry.Credential;
import build.kiln.runtime.registry.DockerLogins;
import build.kiln.runtime.registry.RegistryClient;
import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code kiln login}: asks the registry whether a login is good, and keeps it as docker does. */
final class LoginCommand extends RemoteCommand {
  /** More is a mistake, such as a file of another kind. */
  private static final int LONGEST_PASSWORD = 64 * 1024;

  private String registry = "docker.io";
  private @Nullable String user;
  private @Nullable String password;
  private boolean fromStdin;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Logs in to a registry: checks user and password with it, then keeps them where docker does,",
            "in the credential helper of docker's config.json or in the file itself.")
        .optionalParameter(
            "HOST[:PORT]", "The registry. Default: Docker Hub.", text -> registry = text)
        .option("-u, --username=NAME", "The user. Default: asked for.", text -> user = text)
        .option(
            "-p, --password=PASSWORD",
            "The password or token. Others on this machine can see it: better not.",
            text -> password = text)
        .flag("--password-stdin", "Read the password from standard input.", on -> fromStdin = on);
  }

  @Override
  void run(Desk desk) throws CommandFailure, IOException {
    String host = Registries.host(registry);
    if (password != null && fromStdin) {
      throw CommandFailure.usage("--password and --password-stdin exclude each other");
    }
    if (fromStdin && user == null) {
      throw CommandFailure.usage("--password-stdin needs --username: standard input is taken");
    }
    if (password != null) {
      System.err.println(
          "kiln: others on this machine can see a password on a command line; use --password-stdin");
    }
    String name = user == null ? ask("Username: ", false) : user;
    String secret = fromStdin ? read() : password == null ? ask("Password: ", true) : password;
    if (name.isEmpty() || secret.isEmpty()) {
      throw CommandFailure.usage("a user name and a password are needed");
    }
    var login = new Credential.Basic(checked(name), secret);
    try (RegistryClient client = client(desk, repository -> Optional.of(login))) {
      client.checkLogin(host);
    }
    DockerLogins logins = desk.logins();
    Optional<String> helper = logins.store(host, login);
    System.err.println(
        helper.isPresent()
            ? "kiln: kept by docker-credential-" + helper.get()
            : "kiln: kept in %s, where who may read it reads the password; name a credential helper there (credsStore)"
                .formatted(logins.file()));
    System.out.println("Login Succeeded: " + name + " at " + host);
  }

  private static String checked(String name) throws CommandFailure {
    if (name.indexOf(':') >= 0) {
      throw CommandFailure.usage("a user name must not contain a colon");
    }
    return name;
  }

  private static String read() throws CommandFailure, IOException {
    byte[] bytes = System.in.readNBytes(LONGEST_PASSWORD + 1);
    if (bytes.length > LONGEST_PASSWORD) {
      throw CommandFailure.usage("standard input is too long for a password");
    }
    return new String(bytes, StandardCharsets.UTF_8).replaceFirst("\r?\n$", "");
  }

  private static String ask(String what, boolean hidden) throws CommandFailure {
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      throw CommandFailure.usage(
          "there is no terminal to ask on: give --username and --password-stdin");
    }
    if (hidden) {
      char[] typed = console.readPassword(what);
      return typed == null ? "" : new String(typed);
    }
    String line = console.readLine(what);
    return line == null ? "" : line.strip();
  }
}
