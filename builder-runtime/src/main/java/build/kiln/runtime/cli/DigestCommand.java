package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.util.List;

/** {@code kiln digest}. */
final class DigestCommand extends RemoteCommand {
  private List<String> images = List.of();
  private boolean full;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Prints what images in registries are now, asking by HEAD.")
        .sorted()
        .parameters("IMAGE", "As registry/name:tag.", values -> images = values)
        .flag("--full", "Print whole names: registry/name@digest.", on -> full = on);
  }

  @Override
  void run(Desk desk) throws CommandFailure, IOException {
    try (RegistryClient client = client(desk)) {
      for (String text : images) {
        Reference name = RemoteName.of(text);
        Descriptor found = client.head(name).orElseThrow(() -> absent(name));
        System.out.println((full ? name.name() + "@" : "") + found.digest());
      }
    }
  }

  static CommandFailure absent(Reference name) {
    return new CommandFailure(
        ExitCode.USER,
        "no image %s in its registry; kiln ls %s lists its tags".formatted(name, name.name()));
  }
}
