package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/** Where blobs' bytes are, by digest and for all repositories. Thread-safe. */
interface Blobs {
  /** Bytes that are stored. */
  interface Stored {
    long size();

    /** A stream from this byte on. */
    InputStream open(long from) throws IOException;
  }

  /** Bytes that arrive; used by one request at a time. */
  interface Upload {
    long size();

    /** Appends; closing the stream ends this piece, not the upload. */
    OutputStream append() throws IOException;

    /** The digest of all that was appended, by this digest's algorithm. */
    Digest digest(Digest like) throws IOException;

    /** Stores what was appended as this digest. */
    void commit(Digest digest) throws IOException;

    void discard() throws IOException;
  }

  Optional<Stored> find(Digest digest) throws IOException;

  Upload begin() throws IOException;
}
