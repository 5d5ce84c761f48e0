package build.kiln.operator.quickstart;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** Enough of ELF to know whether a program brings all it needs. */
final class Elf {
  private static final int HEADER = 64;
  private static final int PT_INTERP = 3;

  private Elf() {}

  /** Whether a file is a 64-bit program that asks for no loader, so that it runs on its own. */
  static boolean isStatic(Path file) throws IOException {
    try (var channel = FileChannel.open(file)) {
      var header = read(channel, 0, HEADER);
      if (header.remaining() < HEADER || header.getInt(0) != 0x464c457f || header.get(4) != 2) {
        return false;
      }
      long tableAt = header.getLong(32);
      int entrySize = Short.toUnsignedInt(header.getShort(54));
      int entries = Short.toUnsignedInt(header.getShort(56));
      var table = read(channel, tableAt, entrySize * entries);
      for (int i = 0; i < entries && (i + 1) * entrySize <= table.limit(); i++) {
        if (table.getInt(i * entrySize) == PT_INTERP) {
          return false;
        }
      }
      return true;
    }
  }

  private static ByteBuffer read(FileChannel channel, long position, int length)
      throws IOException {
    var buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {
      // read until full or at the file's end
    }
    return buffer.flip().order(ByteOrder.LITTLE_ENDIAN);
  }
}
