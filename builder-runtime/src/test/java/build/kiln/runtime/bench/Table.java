package build.kiln.runtime.bench;

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
   * The lines of a workload. A ratio is that to the fastest builder which is not Kiln.
   *
   * @param medians by builder
   */
  static String rows(Workload workload, Map<String, Figures> medians) {
    double best =
        medians.entrySet().stream()
            .filter(builder -> !builder.getKey().equals(KilnContender.NAME))
            .mapToDouble(builder -> builder.getValue().wallMillis())
            .min()
            .orElseThrow();
    var lines = new StringBuilder();
    medians.forEach(
        (builder, figures) ->
            lines.append(
                row(lines.isEmpty() ? workload.title() : "", builder, figures, best, workload)));
    return lines.toString();
  }

  private static String row(
      String title, String builder, Figures figures, double best, Workload workload) {
    boolean pushes = workload.start() != Workload.Start.VERSION;
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.3f | %.2f | %.2f | %.0f | %s |%n",
        title,
        builder,
        figures.wallMillis() / 1e3,
        figures.wallMillis() / best,
        figures.cpuMillis() / 1e3,
        figures.peakBytes() / 1e6,
        pushes ? String.format(Locale.ROOT, "%.1f", figures.pushedBytes() / 1e6) : "-");
  }
}
