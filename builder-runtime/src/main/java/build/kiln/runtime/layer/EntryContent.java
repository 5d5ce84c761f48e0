package build.kiln.runtime.layer;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * A file's bytes out of a tar: the runs that the tar holds, and zeros between them. The tar's
 * position moves on with it.
 */
final class EntryContent extends BulkInputStream {
  private final TarInput in;
  private final List<Extent> extents;
  private final long size;
  private final long end;
  private int next;
  private long position;
  private boolean stale;

  /**
   * @param extents in order, without gaps in the tar
   * @param size the file's size
   * @param end the tar's position after all of it, with padding
   */
  EntryContent(TarInput in, List<Extent> extents, long size, long end) {
    this.in = in;
    this.extents = extents;
    this.size = size;
    this.end = end;
  }

  /** Moves the tar on to what follows; this stream gives an error from now on. */
  void finish() throws IOException {
    stale = true;
    in.skip(end - in.position());
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    if (stale) {
      throw new IOException("the tar reader has gone on to another entry");
    }
    if (length == 0) {
      return 0;
    }
    if (position >= size) {
      return -1;
    }
    Extent run = next < extents.size() ? extents.get(next) : null;
    int n;
    if (run == null || position < run.fileOffset()) {
      long hole = (run == null ? size : run.fileOffset()) - position;
      n = (int) Math.min(length, hole);
      Arrays.fill(buffer, offset, offset + n, (byte) 0);
    } else {
      n =
          in.read(
              buffer, offset, (int) Math.min(length, run.fileOffset() + run.length() - position));
    }
    position += n;
    if (run != null && position == run.fileOffset() + run.length()) {
      next++;
    }
    return n;
  }

  /** Passes over holes without making their zeros. */
  @Override
  public long skip(long n) throws IOException {
    Extent run = next < extents.size() ? extents.get(next) : null;
    long data = run == null ? size : run.fileOffset();
    if (stale || position >= data) {
      return super.skip(n);
    }
    long skipped = Math.min(Math.max(0, n), data - position);
    position += skipped;
    return skipped;
  }

  @Override
  public int available() {
    return (int) Math.min(Integer.MAX_VALUE, size - position);
  }
}
