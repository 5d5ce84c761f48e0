package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.util.List;

/** What the commands about registries have in common: they need no local store. */
abstract class RemoteCommand implements Command {
  private List<String> insecure = List.of();

  @Override
  public void syntax(Syntax syntax) {
    syntax.insecureRegistries(values -> insecure = values);
  }

  /** Does what the command is for; what goes wrong becomes an exit code here. */
  abstract void run(Desk desk) throws CommandFailure, IOException;

  @Override
  public final Integer call() throws CommandFailure {
    try {
      run(Desk.ofThisProcess());
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw CommandFailure.of(e);
    }
  }

  RegistryClient client(Desk desk) {
    return client(desk, desk.credentials());
  }

  RegistryClient client(Desk desk, Credentials credentials) {
    return new RegistryClient(desk.registry(insecure), credentials);
  }
}
