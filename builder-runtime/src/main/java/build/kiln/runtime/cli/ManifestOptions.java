package build.kiln.runtime.cli;

import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cli.manifest.ManifestException;
import build.kiln.runtime.cli.manifest.ManifestFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** The manifest that a command carries out, and what a cluster would add to it. */
final class ManifestOptions {
  @Option(
      names = {"-f", "--file"},
      required = true,
      paramLabel = "FILE",
      description = "A manifest in YAML with one resource of Kiln; of kiln run, a work order too.")
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private Path file;

  @Option(
      names = "--secrets-dir",
      paramLabel = "DIR",
      description =
          "Secrets as files: registry/NAME/.dockerconfigjson, git/NAME/username, keys/NAME/cosign.pub and so on. Default: "
              + BuilderPaths.SECRETS
              + ".")
  private Path secrets = Path.of(BuilderPaths.SECRETS);

  @Option(
      names = "--insecure-registry",
      paramLabel = "HOST[:PORT]",
      description = "A registry that speaks HTTP, or TLS that is not verified; for a manifest.")
  private List<String> insecure = new ArrayList<>();

  Path file() {
    return file;
  }

  Path secrets() {
    return secrets;
  }

  /**
   * Reads the file.
   *
   * @throws CommandFailure if it cannot be read, or is neither a manifest nor an order
   */
  ManifestFile read() throws CommandFailure {
    try {
      return ManifestFile.read(file.toString(), NamedFile.bytes(file));
    } catch (ManifestException e) {
      throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  /** What an installation would decide, of a desk. */
  WorkOrder.Settings settings(Desk desk) {
    Map<String, String> proxies = desk.proxies();
    return new WorkOrder.Settings(
        null, insecure, null, null, null, proxies.isEmpty() ? null : proxies);
  }
}
