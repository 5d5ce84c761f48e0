package build.kiln.runtime.cli;

import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cli.manifest.ManifestException;
import build.kiln.runtime.cli.manifest.ManifestFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The manifest that a command carries out, and what a cluster would add to it. */
final class ManifestOptions {
  @SuppressWarnings("NullAway.Init") // required, so the parser sets it
  private Path file;

  private Path secrets = Path.of(BuilderPaths.SECRETS);
  private List<String> insecure = List.of();

  /** Adds these options. */
  void syntax(Syntax syntax) {
    syntax
        .requiredOption(
            "-f, --file=FILE",
            "A manifest in YAML with one resource of Kiln; of kiln run, a work order too.",
            text -> file = Path.of(text))
        .option(
            "--secrets-dir=DIR",
            "Secrets as files: registry/NAME/.dockerconfigjson, git/NAME/username, keys/NAME/cosign.pub and so on. Default: "
                + BuilderPaths.SECRETS
                + ".",
            text -> secrets = Path.of(text))
        .list(
            "--insecure-registry=HOST[:PORT]",
            "A registry that speaks HTTP, or TLS that is not verified; for a manifest.",
            values -> insecure = values);
  }

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
