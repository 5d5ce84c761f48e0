package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code kiln tag}. */
@Command(
    name = "tag",
    description = "Gives an image of the local store one more name.",
    mixinStandardHelpOptions = true)
final class TagCommand extends ImageCommand {
  @Parameters(index = "0", paramLabel = "IMAGE", description = "A name, or the start of a digest.")
  private String image = "";

  @Parameters(index = "1", paramLabel = "NAME[:TAG]", description = "The new name.")
  private String name = "";

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    Reference wanted = LocalImages.name(name);
    if (wanted.digest() != null) {
      throw CommandFailure.usage(name + ": a name to give has no digest");
    }
    engine.store().tag(wanted, new LocalImages(engine.store()).find(image).descriptor());
  }
}
