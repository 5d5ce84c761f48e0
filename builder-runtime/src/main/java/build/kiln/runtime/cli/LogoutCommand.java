package build.kiln.runtime.cli;

import build.kiln.runtime.registry.DockerLogins;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code kiln logout}. */
@Command(
    name = "logout",
    description = "Forgets the login of a registry, in the credential helper and in the file.",
    mixinStandardHelpOptions = true)
final class LogoutCommand extends RemoteCommand {
  @Parameters(
      paramLabel = "HOST[:PORT]",
      arity = "0..1",
      description = "The registry. Default: Docker Hub.")
  private String registry = "docker.io";

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
