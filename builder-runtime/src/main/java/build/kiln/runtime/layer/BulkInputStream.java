package build.kiln.runtime.layer;

import java.io.IOException;
import java.io.InputStream;

/** A stream that is read in stretches; a single byte is a stretch of one. */
public abstract class BulkInputStream extends InputStream {
  @Override
  public final int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public abstract int read(byte[] target, int offset, int length) throws IOException;
}
