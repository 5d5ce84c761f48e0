package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.BuildResult;
import build.kiln.runtime.build.ImagePusher;
import build.kiln.runtime.cli.LocalImages.LocalImage;
import build.kiln.runtime.cli.progress.Display;
import build.kiln.runtime.cli.progress.ProgressMode;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/** {@code kiln push}. */
final class PushCommand extends ImageCommand {
  private List<String> names = List.of();
  private boolean quiet;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Pushes images of the local store under their names.")
        .parameters("NAME", "An image, as registry/name:tag.", values -> names = values)
        .flag("-q, --quiet", "Print nothing but the images' digests.", on -> quiet = on);
  }

  @Override
  void run(Engine engine, Desk desk)
      throws CommandFailure, BuildException, IOException, InterruptedException {
    var images = new LocalImages(engine.store());
    ProgressMode mode = quiet ? ProgressMode.quiet : ProgressMode.auto;
    try (var pusher = new ImagePusher(engine.store(), engine.registry());
        Display display = mode.open(System.err, desk.environment())) {
      for (String text : names) {
        Reference name = LocalImages.name(text);
        if (name.digest() != null) {
          throw CommandFailure.usage(text + ": an image is pushed under a tag, not a digest");
        }
        LocalImage image = images.find(name.toString());
        var origins = ImageOrigins.of(engine.store(), image.descriptor().digest());
        var built =
            new BuildResult(
                image.descriptor(), image.manifest(), image.config(), origins, Set.of(), 0, 0, 0);
        pusher.push(built, List.of(name), new BuildProgress(display));
        var digest = image.descriptor().digest();
        System.out.println(quiet ? digest : name.name() + "@" + digest);
      }
    }
  }
}
