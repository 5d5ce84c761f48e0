package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln digest}. */
@Command(
    name = "digest",
    description = "Prints what images in registries are now, asking by HEAD.",
    mixinStandardHelpOptions = true)
final class DigestCommand extends RemoteCommand {
  @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "As registry/name:tag.")
  private List<String> images = List.of();

  @Option(names = "--full", description = "Print whole names: registry/name@digest.")
  private boolean full;

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
