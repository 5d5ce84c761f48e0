package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.ImagePuller;
import build.kiln.runtime.cli.progress.Display;
import build.kiln.runtime.cli.progress.ProgressMode;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code kiln pull}. */
final class PullCommand extends ImageCommand {
  private List<String> names = List.of();
  private @Nullable String platform;
  private boolean quiet;
  private boolean allTags;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Pulls images from their registries into the local store.")
        .parameters("NAME", "An image, as registry/name:tag.", values -> names = values)
        .option(
            "--platform=OS/ARCH",
            "The one to take of an image for several. Default: this machine's.",
            text -> platform = text)
        .flag("-q, --quiet", "Print nothing but the images' digests.", on -> quiet = on)
        .flag("-a, --all-tags", "Pull all tags of a repository.", on -> allTags = on);
  }

  @Override
  void run(Engine engine, Desk desk)
      throws CommandFailure, BuildException, IOException, InterruptedException {
    Platform wanted = wanted();
    var puller = new ImagePuller(engine.environment());
    ProgressMode mode = quiet ? ProgressMode.quiet : ProgressMode.auto;
    try (Display display = mode.open(System.err, desk.environment())) {
      for (Reference name : wantedNames(engine)) {
        Descriptor pulled = puller.pull(name, wanted, new BuildProgress(display));
        System.out.println(quiet ? pulled.digest() : name.name() + "@" + pulled.digest());
      }
    }
  }

  private List<Reference> wantedNames(Engine engine) throws CommandFailure, IOException {
    var all = new ArrayList<Reference>();
    for (String text : names) {
      if (allTags) {
        Reference repository = RemoteName.repository(text);
        engine.registry().listTags(repository).forEach(tag -> all.add(repository.withTag(tag)));
      } else {
        all.add(RemoteName.of(text));
      }
    }
    return all;
  }

  private Platform wanted() throws CommandFailure {
    try {
      return platform == null ? Platform.host() : Platform.parse(platform);
    } catch (OciException e) {
      throw CommandFailure.usage("--platform: " + e.getMessage());
    }
  }
}
