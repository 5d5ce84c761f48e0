package build.kiln.runtime.bench;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The results in Markdown. */
final class Table {
  static final String HEAD =
      """
      | workload | builder | wall, s | x best peer | CPU, s | peak RSS, MB | pushed, MB |
      |---|---|---:|---:|---:|---:|---:|
      """;

  private Table() {}

  /**
   * The lines of a workload; none if there is no peer, since a figure without one says nothing.
   *
   * @param medians by builder; the first is Kiln if that takes part
   */
  static String rows(Workload workload, Map<String, Figures> medians) {
    var lines = new StringBuilder();
    medians.forEach(
        (builder, figures) -> {
          List<Double> others =
              medians.entrySet().stream()
                  .filter(other -> !other.getKey().equals(builder))
                  .map(other -> other.getValue().wallMillis())
                  .toList();
          double best = others.stream().mapToDouble(Double::doubleValue).min().orElse(Double.NaN);
          lines.append(
              String.format(
                  Locale.ROOT,
                  "| %s | %s | %.3f | %.2f | %.2f | %.0f | %s |%n",
                  lines.isEmpty() ? workload.title() : "",
                  builder,
                  figures.wallMillis() / 1e3,
                  figures.wallMillis() / best,
                  figures.cpuMillis() / 1e3,
                  figures.peakBytes() / 1e6,
                  workload.start() == Workload.Start.VERSION
                      ? "-"
                      : String.format(Locale.ROOT, "%.1f", figures.pushedBytes() / 1e6)));
        });
    return lines.toString();
  }
}
