package build.kiln.runtime.cli;

import build.kiln.runtime.cli.LocalImages.LocalImage;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.ImageConfig.History;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

/** {@code kiln history}: how an image came to be, the newest step first. */
final class HistoryCommand extends ImageCommand {
  private static final int SHOWN = 60;

  private String image = "";
  private boolean whole;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Shows how an image of the local store came to be, the newest step first.")
        .sorted()
        .parameter("IMAGE", "A name, or the start of a digest.", text -> image = text)
        .flag("--no-trunc", "Print commands in full.", on -> whole = on);
  }

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    LocalImage found = new LocalImages(engine.store()).find(image);
    var rows = new ArrayList<List<String>>();
    Iterator<Descriptor> layers = found.manifest().layers().iterator();
    List<History> history = Objects.requireNonNullElse(found.config().history(), List.of());
    for (History step : history) {
      boolean empty = Boolean.TRUE.equals(step.emptyLayer());
      long size = empty || !layers.hasNext() ? 0 : layers.next().size();
      rows.addFirst(
          List.of(
              Table.ago(step.created(), Clock.systemUTC()),
              createdBy(step),
              Table.size(size),
              Objects.requireNonNullElse(step.comment(), "")));
    }
    rows.addFirst(List.of("CREATED", "CREATED BY", "SIZE", "COMMENT"));
    Table.print(System.out, rows);
  }

  private String createdBy(History step) {
    String text =
        Objects.requireNonNullElse(step.createdBy(), "")
            .replaceAll("[\\s\\p{Cntrl}]+", " ")
            .strip();
    return whole || text.length() <= SHOWN ? text : text.substring(0, SHOWN - 1) + "\u2026";
  }
}
