package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildGraph;
import build.kiln.runtime.build.BuildGraph.Blobs;
import build.kiln.runtime.build.BuildGraph.Files;
import build.kiln.runtime.build.BuildGraph.FoundImage;
import build.kiln.runtime.build.BuildGraph.ImageNode;
import build.kiln.runtime.build.BuildGraph.Link;
import build.kiln.runtime.build.BuildGraph.Need;
import build.kiln.runtime.build.BuildGraph.Read;
import build.kiln.runtime.build.BuildGraph.Source;
import build.kiln.runtime.build.BuildGraph.StageNode;
import build.kiln.runtime.build.BuildGraph.StepNode;
import build.kiln.runtime.cli.progress.ProgressMode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A build's graph as tables for people: stages, images, and the steps of what is needed. */
final class GraphText {
  private static final String NOTHING = "-";
  private static final String UNKNOWN = "?";

  private final BuildGraph graph;
  private final PrintStream out;

  private GraphText(BuildGraph graph, PrintStream out) {
    this.graph = graph;
    this.out = out;
  }

  static void print(BuildGraph graph, PrintStream out) {
    var text = new GraphText(graph, out);
    out.println("target " + line(graph.target().name()) + ", " + graph.platform());
    out.println();
    text.stages();
    text.images();
    text.steps();
  }

  private void stages() {
    var rows = new ArrayList<List<String>>();
    rows.add(List.of("NR", "STAGE", "LINE", "BASE", "BUILT", "UNPACKS", "NEEDED BY"));
    for (StageNode stage : graph.stages()) {
      rows.add(
          List.of(
              Integer.toString(stage.number()),
              line(stage.self().name()),
              Integer.toString(stage.line()),
              source(stage.base()),
              stage.needed() ? "yes" : "no",
              stage.needed() && stage.unpacks() ? "yes" : NOTHING,
              reasons(stage.needs())));
    }
    Table.print(out, rows);
  }

  /** The lines that need a stage, by what they are: {@code COPY in app:7,9}. */
  private static String reasons(List<Need> needs) {
    Map<String, Set<String>> lines = new LinkedHashMap<>();
    for (Need need : needs) {
      if (need.link() == Link.TARGET) {
        lines.put("the target", Set.of());
      } else {
        lines
            .computeIfAbsent(
                word(need.link()) + " in " + line(need.by().name()), n -> new LinkedHashSet<>())
            .add(Integer.toString(need.line()));
      }
    }
    return lines.isEmpty()
        ? NOTHING
        : lines.entrySet().stream()
            .map(
                e ->
                    e.getValue().isEmpty()
                        ? e.getKey()
                        : e.getKey() + ":" + String.join(",", e.getValue()))
            .collect(Collectors.joining("; "));
  }

  private void images() {
    if (graph.images().isEmpty()) {
      return;
    }
    var rows = new ArrayList<List<String>>();
    rows.add(List.of("IMAGE", "DIGEST", "LAYERS", "SIZE", "NEEDS", "PULL", "UNPACK"));
    for (ImageNode image : graph.images()) {
      FoundImage found = image.found();
      rows.add(
          List.of(
              line(image.self().name()),
              found == null ? UNKNOWN : found.digest().shortHex(),
              found == null ? UNKNOWN : Integer.toString(found.layers().count()),
              found == null ? UNKNOWN : Table.size(found.layers().bytes()),
              image.use().name().toLowerCase(Locale.ROOT),
              found == null ? UNKNOWN : pull(found.missing()),
              image.unpacked() ? "yes" : NOTHING));
    }
    out.println();
    Table.print(out, rows);
    for (ImageNode image : graph.images()) {
      if (image.problem() != null) {
        out.println(line(image.self().name() + " could not be looked up: " + image.problem()));
      }
    }
  }

  private static String pull(Blobs missing) {
    return missing.count() == 0
        ? NOTHING
        : "%d of them, %s".formatted(missing.count(), Table.size(missing.bytes()));
  }

  private void steps() {
    var rows = new ArrayList<List<String>>();
    rows.add(List.of("STAGE", "LINE", "LAYER", "NEEDS", "READS", "INSTRUCTION"));
    for (StageNode stage : graph.stages()) {
      if (stage.needed()) {
        for (StepNode step : stage.steps()) {
          rows.add(
              List.of(
                  line(stage.self().name()),
                  Integer.toString(step.line()),
                  step.layer() ? "yes" : NOTHING,
                  step.files() == Files.NONE
                      ? NOTHING
                      : step.files().name().toLowerCase(Locale.ROOT),
                  reads(step.reads()),
                  line((step.trigger() ? "ONBUILD: " : "") + step.text())));
        }
      }
    }
    if (rows.size() > 1) {
      out.println();
      Table.print(out, rows);
    }
  }

  private static String reads(List<Read> reads) {
    return reads.isEmpty()
        ? NOTHING
        : reads.stream().map(GraphText::read).collect(Collectors.joining("; "));
  }

  private static String read(Read read) {
    String from = source(read.source());
    return read.paths().isEmpty() ? from : from + ": " + line(String.join(" ", read.paths()));
  }

  private static String source(Source source) {
    return switch (source.kind()) {
      case STAGE -> "stage " + line(source.name());
      case CONTEXT, FILES, SCRATCH, IMAGE, URL, GIT -> line(source.name());
    };
  }

  private static String word(Link link) {
    return switch (link) {
      case TARGET -> "target";
      case FROM -> "FROM";
      case COPY -> "COPY";
      case ADD -> "ADD";
      case MOUNT -> "RUN --mount";
    };
  }

  private static String line(String text) {
    return ProgressMode.line(text);
  }
}
