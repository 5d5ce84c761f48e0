package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln rmi}: takes names away. Blobs stay, as the cache of later builds and pulls. */
@Command(
    name = "rmi",
    description = "Takes names away from images. Their layers stay as a cache.",
    mixinStandardHelpOptions = true)
final class RmiCommand extends ImageCommand {
  @Parameters(
      paramLabel = "IMAGE",
      arity = "1..*",
      description = "A name; the start of a digest takes all names of the image.")
  private List<String> images = List.of();

  @Option(
      names = {"-f", "--force"},
      description = "A name that is not there is no error.")
  private boolean force;

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    for (String text : images) {
      Reference name = LocalImages.name(text);
      if (engine.store().untag(name)) {
        System.out.println("Untagged: " + name);
        continue;
      }
      try {
        for (Reference each : new LocalImages(engine.store()).find(text).names()) {
          engine.store().untag(each);
          System.out.println("Untagged: " + each);
        }
      } catch (CommandFailure e) {
        if (!force || e.exitCode() != ExitCode.USER) {
          throw e;
        }
      }
    }
  }
}
