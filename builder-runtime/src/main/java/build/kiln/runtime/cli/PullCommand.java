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
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln pull}. */
@Command(
    name = "pull",
    description = "Pulls images from their registries into the local store.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class PullCommand extends ImageCommand {
  @Parameters(paramLabel = "NAME", arity = "1..*", description = "An image, as registry/name:tag.")
  private List<String> names = List.of();

  @Option(
      names = "--platform",
      paramLabel = "OS/ARCH",
      description = "The one to take of an image for several. Default: this machine's.")
  private @Nullable String platform;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but the images' digests.")
  private boolean quiet;

  @Option(
      names = {"-a", "--all-tags"},
      description = "Pull all tags of a repository.")
  private boolean allTags;

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
