package build.kiln.runtime.layer;

import build.kiln.runtime.oci.Descriptor;
import java.io.IOException;
import java.io.OutputStream;

/**
 * A blob on its way to where it is kept; nobody sees it before it is committed. Bytes are hashed as
 * they pass. For one thread at a time.
 */
public interface BlobIngest extends AutoCloseable {
  /** Takes the blob's bytes; closing it has no effect. */
  OutputStream out();

  /**
   * Makes the blob visible under its digest.
   *
   * @return media type, digest and size of what was written
   */
  Descriptor commit(String mediaType) throws IOException;

  /**
   * As {@link #commit(String)}, if the bytes are those expected.
   *
   * @throws IOException if digest or size differ; nothing is kept then
   */
  Descriptor commit(Descriptor expected) throws IOException;

  /** Throws away what was not committed. */
  @Override
  void close() throws IOException;
}
