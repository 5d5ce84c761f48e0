package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildGraph;
import build.kiln.runtime.build.BuildGraph.FoundImage;
import build.kiln.runtime.build.BuildGraph.ImageNode;
import build.kiln.runtime.build.BuildGraph.Use;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A build's graph as JSON. The names are documented in docs/cli.md and stay; what is new comes
 * beside them.
 */
final class GraphJson {
  private static final int VERSION = 1;

  private GraphJson() {}

  private record Document(
      int schemaVersion,
      String target,
      String platform,
      List<Stage> stages,
      List<Image> images,
      List<Edge> edges) {}

  private record Stage(
      String id,
      int number,
      String name,
      int line,
      String base,
      boolean needed,
      List<Need> neededBy,
      boolean unpacks,
      List<Step> steps) {}

  private record Need(String link, String by, int line) {}

  private record Step(
      int line,
      String instruction,
      boolean trigger,
      boolean layer,
      String needs,
      List<Read> reads) {}

  private record Read(String link, String from, List<String> paths) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Image(
      String id,
      String name,
      String needs,
      boolean unpacked,
      @Nullable String reference,
      @Nullable String digest,
      @Nullable Integer layers,
      @Nullable Long bytes,
      @Nullable Integer pullLayers,
      @Nullable Long pullBytes,
      @Nullable String problem) {}

  private record Edge(String from, String to, String link, int line) {}

  static byte[] write(BuildGraph graph) {
    return Json.write(
        new Document(
            VERSION,
            graph.target().id(),
            graph.platform(),
            graph.stages().stream().map(GraphJson::stage).toList(),
            graph.images().stream().map(GraphJson::image).toList(),
            graph.edges().stream()
                .map(e -> new Edge(e.from().id(), e.to().id(), word(e.link()), e.line()))
                .toList()));
  }

  private static Stage stage(BuildGraph.StageNode stage) {
    return new Stage(
        stage.self().id(),
        stage.number(),
        stage.self().name(),
        stage.line(),
        stage.base().id(),
        stage.needed(),
        stage.needs().stream()
            .map(need -> new Need(word(need.link()), need.by().id(), need.line()))
            .toList(),
        stage.unpacks(),
        stage.steps().stream().map(GraphJson::step).toList());
  }

  private static Step step(BuildGraph.StepNode step) {
    return new Step(
        step.line(),
        step.text(),
        step.trigger(),
        step.layer(),
        word(step.files()),
        step.reads().stream()
            .map(read -> new Read(word(read.link()), read.source().id(), read.paths()))
            .toList());
  }

  private static Image image(ImageNode image) {
    FoundImage found = image.found();
    return new Image(
        image.self().id(),
        image.self().name(),
        word(image.use()),
        image.use() == Use.ROOT,
        found == null ? null : found.name(),
        found == null ? null : found.digest().toString(),
        found == null ? null : found.layers().count(),
        found == null ? null : found.layers().bytes(),
        found == null ? null : found.missing().count(),
        found == null ? null : found.missing().bytes(),
        image.problem());
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
