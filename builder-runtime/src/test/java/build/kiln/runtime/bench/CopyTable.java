package build.kiln.runtime.bench;

import java.util.Locale;
import java.util.Map;

/** What copies took, in Markdown. */
final class CopyTable {
  static final String HEAD =
      """
      | copy | tool | wall, s | x best peer | CPU, s | registries' CPU, s | peak RSS, MB | requests | blobs sent | read, MB | stored, MB |
      |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
      """;

  private CopyTable() {}

  /**
   * The lines of one kind of copy. A ratio is that to the fastest tool which is not Kiln.
   *
   * @param medians by tool
   */
  static String rows(String title, Map<String, CopyFigures> medians) {
    double best =
        medians.entrySet().stream()
            .filter(tool -> !tool.getKey().equals(KilnContender.NAME))
            .mapToDouble(tool -> tool.getValue().wallMillis())
            .min()
            .orElseThrow();
    var lines = new StringBuilder();
    medians.forEach(
        (tool, figures) ->
            lines.append(
                String.format(
                    Locale.ROOT,
                    "| %s | %s | %.3f | %.2f | %.2f | %.2f | %.0f | %.0f | %.0f | %.1f | %.1f |%n",
                    lines.isEmpty() ? title : "",
                    tool,
                    figures.wallMillis() / 1e3,
                    figures.wallMillis() / best,
                    figures.cpuMillis() / 1e3,
                    figures.registryCpuMillis() / 1e3,
                    figures.peakBytes() / 1e6,
                    figures.requests(),
                    figures.blobsSent(),
                    figures.readBytes() / 1e6,
                    figures.storedBytes() / 1e6)));
    return lines.toString();
  }
}
