package build.kiln.runtime.cli;

import build.kiln.runtime.registry.DockerLogins;
import java.io.IOException;

/** {@code kiln logout}. */
final class LogoutCommand extends RemoteCommand {
  private String registry = "docker.io";

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Forgets the login of a registry, in the credential helper and in the file.")
        .sorted()
        .optionalParameter(
            "HOST[:PORT]", "The registry. Default: Docker Hub.", text -> registry = text);
  }

  @Override
  void run(Desk desk) throws CommandFailure, IOException {
    String host = Registries.host(registry);
    DockerLogins logins = desk.logins();
    System.out.println(
        logins.erase(host)
            ? "Removed the login of " + host
            : "Not logged in to " + host + ", by " + logins.file());
  }
}
