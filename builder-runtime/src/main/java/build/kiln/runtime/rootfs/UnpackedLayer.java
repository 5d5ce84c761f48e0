package build.kiln.runtime.rootfs;

import java.util.List;

/**
 * A layer in a directory of its own, as an overlay's lower.
 *
 * @param name of its directory in the workspace
 * @param rootDescribed whether the layer says what the root directory is like
 * @param rootOpaque whether nothing of lower layers shows; overlay does not look at a root's mark
 * @param implied directories that lower layers describe, if they have them
 * @param removing directories with whiteouts
 * @param skippedDevices how many devices the kernel would not make
 */
record UnpackedLayer(
    String name,
    boolean rootDescribed,
    boolean rootOpaque,
    List<String> implied,
    List<String> removing,
    int skippedDevices) {
  UnpackedLayer {
    implied = List.copyOf(implied);
    removing = List.copyOf(removing);
  }

  /** Whether what an overlay shows of it also depends on the layers below. */
  boolean needsHelp() {
    return !implied.isEmpty() || !removing.isEmpty();
  }

  static UnpackedLayer of(String name, LayerUnpacker.Result result) {
    return new UnpackedLayer(
        name,
        result.rootDescribed(),
        result.rootOpaque(),
        result.implied(),
        result.removing(),
        result.skippedDevices());
  }
}
