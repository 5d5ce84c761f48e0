package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.MirrorReport;
import build.kiln.runtime.cli.manifest.ManifestFile;

/** {@code kiln sync -f}: one run of an ImageMirror without a cluster. */
final class SyncCommand implements Command {
  private final ManifestOptions manifest = new ManifestOptions();
  private boolean dryRun;
  private boolean json;

  @Override
  public void syntax(Syntax syntax) {
    syntax.about(
        "Copies the images that an ImageMirror manifest asks for, once.",
        "Its schedule, interval and suspend are for a cluster and are not looked at.");
    manifest.syntax(syntax);
    syntax
        .flag(
            "--dry-run",
            "Copy and delete nothing, say what would be. spec.dryRun does the same.",
            on -> dryRun = on)
        .flag(
            "--json",
            "Print a line of JSON for every image, and one with the counts.",
            on -> json = on);
  }

  @Override
  public Integer call() throws CommandFailure {
    if (!(manifest.read() instanceof ManifestFile.Mirror mirror)) {
      throw new CommandFailure(
          ExitCode.USAGE,
          "%s holds no ImageMirror: kiln sync carries out nothing else; kiln run takes any"
              .formatted(manifest.file()));
    }
    return run(mirror, manifest, dryRun, json);
  }

  /** As {@code kiln run -f} does it too. */
  static int run(ManifestFile.Mirror read, ManifestOptions options, boolean dryRun, boolean json) {
    read.notes().forEach(note -> System.err.println("kiln: " + note));
    ImageMirrorSpec spec = dryRun ? dry(read.spec()) : read.spec();
    Desk desk = Desk.ofThisProcess();
    boolean isDry = spec.dryRun();
    MirrorOutput output =
        json
            ? new MirrorOutput.Lines(System.out)
            : new MirrorOutput.Text(System.out, System.err, isDry);
    MirrorReport report =
        new MirrorOrderRun(
                read.metadata(), spec, options.settings(desk), options.secrets(), desk, output)
            .run();
    output.done(report.outcome(), isDry);
    return MirrorOrderRun.exitCode(report.outcome()).code();
  }

  private static ImageMirrorSpec dry(ImageMirrorSpec spec) {
    return new ImageMirrorSpec(
        spec.source(),
        spec.destination(),
        spec.tags(),
        spec.platforms(),
        spec.rewrite(),
        spec.referrers(),
        spec.artifactTypes(),
        spec.overwrite(),
        spec.deletions(),
        spec.maxDeletionPercent(),
        spec.verify(),
        spec.schedule(),
        spec.timeZone(),
        spec.interval(),
        spec.suspend(),
        true,
        spec.concurrency(),
        spec.bandwidth(),
        spec.timeout(),
        spec.history(),
        spec.podTemplate());
  }
}
