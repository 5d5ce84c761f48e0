package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Reference;
import java.io.IOException;

/** Decides whether an image may be copied. */
@FunctionalInterface
public interface ImageVerifier {
  /**
   * @param image at the source, with its digest
   * @throws CopyException SignatureNotVerified if it may not
   */
  void verify(Reference image) throws IOException;
}
