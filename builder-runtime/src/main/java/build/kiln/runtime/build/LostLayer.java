package build.kiln.runtime.build;

import build.kiln.runtime.oci.Descriptor;
import java.io.IOException;

/** A layer that a cache promised cannot be had from its repository. */
final class LostLayer extends IOException {
  LostLayer(Descriptor layer, IOException cause) {
    super("layer %s of the cache: %s".formatted(layer.digest(), Failures.message(cause)), cause);
  }
}
