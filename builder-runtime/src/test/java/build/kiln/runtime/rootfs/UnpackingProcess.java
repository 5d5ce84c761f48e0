package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A process that prepares a root, says what its topmost layer's directory is, and waits. */
final class UnpackingProcess {
  private UnpackingProcess() {}

  /**
   * @param args the store, the folder for snapshots, the layer's blob, size and diff ID
   */
  public static void main(String[] args) throws IOException {
    var blob = Descriptor.of(MediaTypes.OCI_LAYER, Digest.parse(args[2]), Long.parseLong(args[3]));
    var layer = new Layer(blob, Digest.parse(args[4]));
    try (var store = LocalStore.open(Path.of(args[0]));
        var snapshots = Snapshots.overlay(store.layers(), Path.of(args[1]), true);
        var snapshot = snapshots.prepare(List.of(layer))) {
      System.out.println(((RootSpec.Overlay) snapshot.root()).lowers().getFirst());
      while (System.in.read() >= 0) {
        continue;
      }
    }
  }

  static Process start(Path store, Path folder, Layer layer) throws IOException {
    return new ProcessBuilder(
            Mounts.java(
                UnpackingProcess.class,
                store.toString(),
                folder.toString(),
                layer.descriptor().digest().toString(),
                Long.toString(layer.descriptor().size()),
                layer.diffId().toString()))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
