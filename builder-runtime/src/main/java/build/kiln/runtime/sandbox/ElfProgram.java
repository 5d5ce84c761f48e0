package build.kiln.runtime.sandbox;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * A program of a few instructions that needs no library, as an ELF executable (System V ABI,
 * chapters 4 and 5) of one segment.
 *
 * @param machine of the ELF header (e_machine)
 * @param wide whether it is of 64 bits, else of 32
 * @param flags of the ELF header (e_flags)
 * @param code the instructions, in hexadecimal
 */
public record ElfProgram(int machine, boolean wide, ByteOrder order, int flags, String code) {
  private static final long ADDRESS = 0x10000;

  /** The content of the executable file. */
  public byte[] file() {
    byte[] body = HexFormat.of().parseHex(code);
    int header = wide ? 64 : 52;
    int segment = wide ? 56 : 32;
    int size = header + segment + body.length;
    long start = ADDRESS + header + segment;
    ByteBuffer elf = ByteBuffer.allocate(size).order(order);
    elf.put(new byte[] {0x7f, 'E', 'L', 'F'});
    elf.put((byte) (wide ? 2 : 1)).put((byte) (order == ByteOrder.LITTLE_ENDIAN ? 1 : 2));
    elf.put((byte) 1).position(16);
    elf.putShort((short) 2).putShort((short) machine).putInt(1);
    word(elf, start);
    word(elf, header);
    word(elf, 0);
    elf.putInt(flags).putShort((short) header).putShort((short) segment).putShort((short) 1);
    elf.position(header);
    elf.putInt(1);
    if (wide) {
      elf.putInt(5);
    }
    word(elf, 0);
    word(elf, ADDRESS);
    word(elf, ADDRESS);
    word(elf, size);
    word(elf, size);
    if (!wide) {
      elf.putInt(5);
    }
    word(elf, ADDRESS);
    return elf.put(body).array();
  }

  private void word(ByteBuffer elf, long value) {
    if (wide) {
      elf.putLong(value);
    } else {
      elf.putInt((int) value);
    }
  }
}
