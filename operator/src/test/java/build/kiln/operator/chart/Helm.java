package build.kiln.operator.chart;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The helm on this machine, with the repository's chart. */
final class Helm {
  static final Path CHART = Path.of("../charts/kiln").toAbsolutePath().normalize();
  static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  /** helm renders for a version; one that was built by hand may take an old one by itself. */
  private static final List<String> VERSION = List.of("--kube-version", "1.35.0");

  /** How helm ended, and all it printed. */
  record Result(int exitCode, String output) {}

  private Helm() {}

  /** Skips the test where there is no helm. */
  static void assumeHere() {
    boolean here =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "helm")));
    assumeTrue(here, "the chart's tests need helm on PATH");
  }

  static Result lint(String... arguments) {
    return run(List.of("lint", "--strict", CHART.toString()), arguments);
  }

  static Result template(String... arguments) {
    return run(List.of("template", "kiln", CHART.toString(), "--namespace", "kiln"), arguments);
  }

  /** The objects that the chart makes with these arguments. */
  static List<JsonNode> render(String... arguments) {
    var result = template(arguments);
    if (result.exitCode() != 0) {
      throw new AssertionError(result.output());
    }
    try (var documents = YAML.readerFor(JsonNode.class).<JsonNode>readValues(result.output())) {
      return documents.readAll().stream().filter(JsonNode::isObject).toList();
    } catch (IOException e) {
      throw new AssertionError("not YAML: " + result.output(), e);
    }
  }

  private static Result run(List<String> command, String... arguments) {
    var whole = new ArrayList<>(List.of("helm"));
    whole.addAll(command);
    whole.addAll(VERSION);
    whole.addAll(List.of(arguments));
    try {
      var process = new ProcessBuilder(whole).redirectErrorStream(true).start();
      process.getOutputStream().close();
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Result(process.waitFor(), output);
    } catch (IOException e) {
      throw new AssertionError("cannot run helm", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }
}
