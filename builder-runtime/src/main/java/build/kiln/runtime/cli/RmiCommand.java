package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.util.List;

/** {@code kiln rmi}: takes names away. Blobs stay, as the cache of later builds and pulls. */
final class RmiCommand extends ImageCommand {
  private List<String> images = List.of();
  private boolean force;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Takes names away from images. Their layers stay as a cache.")
        .sorted()
        .parameters(
            "IMAGE",
            "A name; the start of a digest takes all names of the image.",
            values -> images = values)
        .flag("-f, --force", "A name that is not there is no error.", on -> force = on);
  }

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
