package build.kiln.runtime.bench;

import java.util.List;

/**
 * What one copy took, or the median of several.
 *
 * @param peakBytes resident at once in all its processes
 * @param registryCpuMillis of both registries
 * @param requests that both registries answered
 * @param blobsSent uploads of blobs that a registry was asked to end
 * @param readBytes that registries sent in their answers
 * @param storedBytes that the destination has more than before
 */
record CopyFigures(
    double wallMillis,
    double cpuMillis,
    double peakBytes,
    double registryCpuMillis,
    double requests,
    double blobsSent,
    double readBytes,
    double storedBytes) {

  /** Each figure's own median. */
  static CopyFigures median(List<CopyFigures> runs) {
    return new CopyFigures(
        Figures.median(runs, CopyFigures::wallMillis),
        Figures.median(runs, CopyFigures::cpuMillis),
        Figures.median(runs, CopyFigures::peakBytes),
        Figures.median(runs, CopyFigures::registryCpuMillis),
        Figures.median(runs, CopyFigures::requests),
        Figures.median(runs, CopyFigures::blobsSent),
        Figures.median(runs, CopyFigures::readBytes),
        Figures.median(runs, CopyFigures::storedBytes));
  }
}
