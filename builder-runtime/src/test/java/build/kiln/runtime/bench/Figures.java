package build.kiln.runtime.bench;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What one build took, or the median of several.
 *
 * @param wallMillis to the command's end, or to the first step where that is asked for
 * @param peakBytes resident at once in all its processes, a daemon's idle memory not counted
 * @param pushedBytes that the registry has more than before
 */
record Figures(double wallMillis, double cpuMillis, double peakBytes, double pushedBytes) {

  /** Each figure's own median. */
  static Figures median(List<Figures> runs) {
    return new Figures(
        median(runs, Figures::wallMillis),
        median(runs, Figures::cpuMillis),
        median(runs, Figures::peakBytes),
        median(runs, Figures::pushedBytes));
  }

  static <T> double median(List<T> runs, ToDoubleFunction<T> figure) {
    double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
