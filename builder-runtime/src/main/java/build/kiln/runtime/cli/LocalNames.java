package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreException;
import build.kiln.runtime.transport.ImageTransfer.LocalImageNames;
import java.io.IOException;
import java.util.Map;

/** Finds images to copy as the other commands find them. */
record LocalNames(LocalStore store) implements LocalImageNames {
  @Override
  public Descriptor find(String name) throws IOException {
    try {
      return new LocalImages(store).descriptor(name);
    } catch (CommandFailure e) {
      throw new StoreException(StoreException.Code.NOT_FOUND, String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public Map<Digest, Reference> origins(Digest image) {
    return ImageOrigins.of(store, image);
  }
}
