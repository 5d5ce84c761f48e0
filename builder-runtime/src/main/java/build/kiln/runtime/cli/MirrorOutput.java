package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.work.MirrorOutcome;
import build.kiln.runtime.mirror.MirrorListener;
import build.kiln.runtime.oci.Json;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** What is shown of a mirror's run. */
sealed interface MirrorOutput extends MirrorListener {
  /** The last line. */
  void done(MirrorOutcome outcome, boolean dryRun);

  /** A line of JSON for every image, whatever became of it; the last has the counts. */
  record Lines(PrintStream out) implements MirrorOutput {
    @Override
    public void image(Image image) {
      println(image);
    }

    @Override
    public void done(MirrorOutcome outcome, boolean dryRun) {
      println(outcome);
    }

    private void println(Object value) {
      out.println(new String(Json.write(value), StandardCharsets.UTF_8));
    }
  }

  /**
   * For people: what was copied and deleted on {@code out}, what failed on {@code err}.
   *
   * @param dryRun whether it only would be
   */
  record Text(PrintStream out, PrintStream err, boolean dryRun) implements MirrorOutput {
    @Override
    public void image(Image image) {
      String would = dryRun ? "would be " : "";
      switch (Objects.requireNonNull(image.result())) {
        case Copied ->
            out.println(
                would
                    + "copied: "
                    + image.source()
                    + " -> "
                    + withoutDigest(String.valueOf(image.destination()))
                    + "@"
                    + image.digest()
                    + (dryRun ? "" : sizes(image)));
        case Deleted -> out.println(would + "deleted: " + image.destination());
        case Failed ->
            err.println(
                "failed: %s: %s: %s"
                    .formatted(
                        Objects.requireNonNullElse(image.source(), image.destination()),
                        image.reason(),
                        image.message()));
        case UpToDate, Kept -> {}
      }
    }

    private static String withoutDigest(String name) {
      int at = name.indexOf('@');
      return at < 0 ? name : name.substring(0, at);
    }

    private static String sizes(Image image) {
      long copied = Objects.requireNonNullElse(image.copiedBytes(), 0L);
      long mounted = Objects.requireNonNullElse(image.mountedBytes(), 0L);
      return " (" + size(copied) + (mounted == 0 ? "" : ", " + size(mounted) + " mounted") + ")";
    }

    @Override
    public void done(MirrorOutcome outcome, boolean isDry) {
      if (outcome.reason() != null && outcome.failed() == 0) {
        err.println("failed: %s: %s".formatted(outcome.reason(), outcome.message()));
      }
      out.println(
          outcome.observed()
              + " observed, "
              + outcome.copied()
              + (isDry ? " to copy (" : " copied (")
              + size(outcome.copiedBytes())
              + ", "
              + size(outcome.mountedBytes())
              + " mounted), "
              + outcome.upToDate()
              + " up to date, "
              + outcome.deleted()
              + " deleted, "
              + outcome.failed()
              + " failed");
    }

    private static String size(long bytes) {
      return Table.size(bytes, " ");
    }
  }
}
