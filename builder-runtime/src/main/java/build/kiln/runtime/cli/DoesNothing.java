package build.kiln.runtime.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * A program that ends with 0, whatever its arguments: a shell for images that have none. It is an
 * ELF executable (System V ABI, chapters 4 and 5) of one segment, which needs no library.
 */
final class DoesNothing {
  private static final int HEADER = 64;
  private static final int SEGMENT = 56;
  private static final long ADDRESS = 0x400000;
  private static final short EXECUTABLE = 2;
  private static final int LOADED = 1;
  private static final int READ_AND_EXECUTE = 5;
  private static final long PAGE = 0x10000;

  private DoesNothing() {}

  /** For this machine; empty, so that it cannot be run, for one that Kiln does not know. */
  static byte[] program() {
    return switch (System.getProperty("os.arch")) {
      // mov $60, %eax; xor %edi, %edi; syscall
      case "amd64", "x86_64" -> program((short) 62, "b83c00000031ff0f05");
      // mov x8, #93; mov x0, #0; svc #0
      case "aarch64" -> program((short) 183, "a80b80d2000080d2010000d4");
      default -> new byte[0];
    };
  }

  private static byte[] program(short machine, String code) {
    byte[] instructions = HexFormat.of().parseHex(code);
    int size = HEADER + SEGMENT + instructions.length;
    ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    out.put((byte) 0x7f).put("ELF".getBytes(StandardCharsets.US_ASCII));
    // 64 bits, little endian, version 1, then padding.
    out.put(new byte[] {2, 1, 1}).position(16);
    out.putShort(EXECUTABLE).putShort(machine).putInt(1).putLong(ADDRESS + HEADER + SEGMENT);
    out.putLong(HEADER).putLong(0).putInt(0);
    out.putShort((short) HEADER).putShort((short) SEGMENT).putShort((short) 1);
    out.putShort((short) 0).putShort((short) 0).putShort((short) 0);
    out.putInt(LOADED).putInt(READ_AND_EXECUTE).putLong(0).putLong(ADDRESS).putLong(ADDRESS);
    out.putLong(size).putLong(size).putLong(PAGE);
    return out.put(instructions).array();
  }
}
