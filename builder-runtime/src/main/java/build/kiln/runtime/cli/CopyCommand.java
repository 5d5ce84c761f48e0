package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.transport.ImagePlace;
import build.kiln.runtime.transport.ImageTransfer;
import build.kiln.runtime.transport.Moved;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** {@code kiln copy}. */
final class CopyCommand extends ImageCommand {
  private String from = "";
  private String to = "";
  private @Nullable String platform;
  private boolean all;
  private boolean quiet;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Copies an image, byte for byte, with all its platforms: SOURCE and DESTINATION are",
            "docker://NAME, kiln:NAME (the local store), oci:FOLDER[:TAG], oci-archive:FILE[:TAG] or",
            "docker-archive:FILE[:NAME], which holds one platform.")
        .alias("cp")
        .parameter("SOURCE", "", text -> from = text)
        .parameter("DESTINATION", "", text -> to = text)
        .option(
            "--platform=OS/ARCH",
            "Copy the image for this one alone, with its own digest.",
            text -> platform = text)
        .flag(
            "-a, --all",
            "Copy all platforms, as without --platform; for who is used to skopeo.",
            on -> all = on)
        .flag("-q, --quiet", "Print nothing but the image's digest.", on -> quiet = on);
  }

  @Override
  boolean needsStore() throws CommandFailure {
    return !(place(from) instanceof ImagePlace.Registry
        && place(to) instanceof ImagePlace.Registry);
  }

  @Override
  void runWithoutStore(RegistryClient registry) throws CommandFailure, IOException {
    if (place(from) instanceof ImagePlace.Registry source
        && place(to) instanceof ImagePlace.Registry destination) {
      copy(
          destination,
          (one, moved) -> ImageTransfer.between(registry, source, destination, one, moved));
    }
  }

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    ImagePlace source = place(from);
    ImagePlace destination = place(to);
    copy(
        destination,
        (one, moved) -> {
          var names = new LocalNames(engine.store());
          return new ImageTransfer(engine.registry(), engine.store(), names, one, moved)
              .copy(source, destination);
        });
  }

  @FunctionalInterface
  private interface Copying {
    Descriptor with(@Nullable Platform one, Moved moved) throws IOException;
  }

  private void copy(ImagePlace destination, Copying copying) throws CommandFailure, IOException {
    if (all && platform != null) {
      throw CommandFailure.usage("--all and --platform exclude each other");
    }
    var moved = new Moved();
    long start = System.nanoTime();
    Descriptor image;
    try {
      image = copying.with(platform(), moved);
    } catch (OciException e) {
      throw CommandFailure.usage(String.valueOf(e.getMessage()));
    }
    if (quiet) {
      System.out.println(image.digest());
      return;
    }
    System.err.println(summary(moved, Duration.ofNanos(System.nanoTime() - start)));
    System.out.println(destination + " " + image.digest());
  }

  private static String summary(Moved moved, Duration time) {
    double seconds = Math.max(0.001, time.toMillis() / 1000.0);
    return "kiln: %s moved in %.1f s (%s/s); %d blobs sent, %d mounted, %d were there"
        .formatted(
            Table.size(moved.bytes()),
            seconds,
            Table.size((long) (moved.bytes() / seconds)),
            moved.sent(),
            moved.mounted(),
            moved.there());
  }

  private static ImagePlace place(String text) throws CommandFailure {
    try {
      return ImagePlace.parse(text);
    } catch (OciException e) {
      throw CommandFailure.usage(String.valueOf(e.getMessage()));
    }
  }

  private @Nullable Platform platform() throws CommandFailure {
    try {
      return platform == null ? null : Platform.parse(platform);
    } catch (OciException e) {
      throw CommandFailure.usage("--platform: " + e.getMessage());
    }
  }
}
