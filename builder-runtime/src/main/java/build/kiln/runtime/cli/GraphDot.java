package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildGraph;
import build.kiln.runtime.build.BuildGraph.Edge;
import build.kiln.runtime.build.BuildGraph.Files;
import build.kiln.runtime.build.BuildGraph.Link;
import build.kiln.runtime.build.BuildGraph.Source;
import build.kiln.runtime.build.BuildGraph.SourceKind;
import build.kiln.runtime.build.BuildGraph.StageNode;
import build.kiln.runtime.build.BuildGraph.StepNode;
import build.kiln.runtime.build.BuildGraph.Use;
import build.kiln.runtime.cli.progress.ProgressMode;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A build's graph in Graphviz's language. Boxes are stages with their layers, dashed if they are
 * not built; cylinders are images, bold if they are unpacked.
 */
final class GraphDot {
  private static final int MAX_TEXT = 72;

  private GraphDot() {}

  static String write(BuildGraph graph) {
    var out = new StringBuilder("digraph build {\n");
    out.append("  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
    for (StageNode stage : graph.stages()) {
      node(out, stage.self(), stageLabel(stage), style(graph, stage));
    }
    Map<String, Use> images = new TreeMap<>();
    graph.images().forEach(image -> images.put(image.self().id(), image.use()));
    Set<Source> others = new LinkedHashSet<>();
    graph.edges().forEach(edge -> others.add(edge.from()));
    for (Source other : others) {
      if (other.kind() != SourceKind.STAGE) {
        node(out, other, quote(other.name()), style(other, images));
      }
    }
    edges(out, graph);
    return out.append("}\n").toString();
  }

  private static void node(StringBuilder out, Source node, String label, String style) {
    out.append("  %s [label=%s%s];\n".formatted(quote(node.id()), label, style));
  }

  private static String stageLabel(StageNode stage) {
    var lines = new StringBuilder(escape(stage.self().name())).append("\\l");
    for (StepNode step : stage.steps()) {
      if (step.layer()) {
        String mark = step.files() == Files.ROOT ? "* " : "  ";
        lines.append(mark).append(escape(shortened(step.text()))).append("\\l");
      }
    }
    return '"' + lines.toString() + '"';
  }

  private static String style(BuildGraph graph, StageNode stage) {
    if (!stage.needed()) {
      return ", style=dashed";
    }
    return stage.self().equals(graph.target()) ? ", style=bold" : "";
  }

  private static String style(Source source, Map<String, Use> images) {
    return switch (source.kind()) {
      case CONTEXT, FILES -> ", shape=folder";
      case IMAGE -> {
        Use use = images.get(source.id());
        yield ", shape=cylinder"
            + (use == null ? ", style=dashed" : use == Use.ROOT ? ", style=bold" : "");
      }
      case SCRATCH, URL, GIT, STAGE -> ", shape=plaintext";
    };
  }

  /** Edges of the same kind between the same nodes are one, with all their lines. */
  private static void edges(StringBuilder out, BuildGraph graph) {
    record Key(Source from, Source to, Link link) {}
    Map<Key, Set<Integer>> lines = new LinkedHashMap<>();
    for (Edge edge : graph.edges()) {
      lines
          .computeIfAbsent(new Key(edge.from(), edge.to(), edge.link()), k -> new TreeSet<>())
          .add(edge.line());
    }
    Set<String> unneeded =
        graph.stages().stream()
            .filter(stage -> !stage.needed())
            .map(stage -> stage.self().id())
            .collect(Collectors.toSet());
    lines.forEach(
        (key, at) ->
            out.append(
                "  %s -> %s [label=%s%s];\n"
                    .formatted(
                        quote(key.from().id()),
                        quote(key.to().id()),
                        quote(key.link() + " " + joined(at)),
                        unneeded.contains(key.to().id()) ? ", style=dashed" : "")));
  }

  private static String joined(Set<Integer> lines) {
    List<String> texts = lines.stream().map(String::valueOf).toList();
    return String.join(",", texts);
  }

  private static String shortened(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT - 1) + "…";
  }

  private static String quote(String text) {
    return '"' + escape(text) + '"';
  }

  private static String escape(String text) {
    return ProgressMode.line(text).replace("\\", "\\\\").replace("\"", "\\\"");
  }
}
