package build.kiln.runtime.layer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Some bytes out of a file. */
public final class FilePart extends BulkInputStream {
  private final FileChannel channel;
  private long position;
  private long left;

  /**
   * @param start of the first of them
   * @param size how many; fewer if the file ends before
   */
  public FilePart(Path file, long start, long size) throws IOException {
    this.channel = FileChannel.open(file, StandardOpenOption.READ);
    this.position = start;
    this.left = size;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    if (left == 0) {
      return length == 0 ? 0 : -1;
    }
    int n = channel.read(ByteBuffer.wrap(buffer, offset, (int) Math.min(length, left)), position);
    if (n > 0) {
      position += n;
      left -= n;
    }
    return n;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
