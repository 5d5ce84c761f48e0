package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.BulkInputStream;
import build.kiln.runtime.layer.Extent;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/** A file's bytes out of a tar in a file: the runs that the tar holds, and zeros between them. */
final class ExtentInput extends BulkInputStream {
  private final Path tar;
  private final FileChannel channel;
  private final List<Extent> extents;
  private final long size;
  private int next;
  private long position;

  ExtentInput(Path tar, List<Extent> extents, long size) throws IOException {
    this.tar = tar;
    this.extents = extents;
    this.size = size;
    this.channel = FileChannel.open(tar, StandardOpenOption.READ);
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (position >= size) {
      return -1;
    }
    Extent run = next < extents.size() ? extents.get(next) : null;
    int n;
    if (run == null || position < run.fileOffset()) {
      n = (int) Math.min(length, (run == null ? size : run.fileOffset()) - position);
      Arrays.fill(buffer, offset, offset + n, (byte) 0);
    } else {
      long into = position - run.fileOffset();
      int wanted = (int) Math.min(length, run.length() - into);
      n = channel.read(ByteBuffer.wrap(buffer, offset, wanted), run.tarOffset() + into);
      if (n < 0) {
        throw new EOFException(tar + " ends at " + (run.tarOffset() + into) + ", inside a file");
      }
    }
    position += n;
    if (run != null && position == run.fileOffset() + run.length()) {
      next++;
    }
    return n;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
