package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import java.util.Arrays;

/**
 * One header block (POSIX.1-1988 ustar, and the older GNU form), checked and taken apart.
 *
 * @param type the type flag's byte
 * @param gnu whether the block has GNU's old form, with a sparse map where ustar has a prefix
 * @param name the name's bytes, with ustar's prefix
 */
record TarHeader(
    char type,
    boolean gnu,
    byte[] name,
    byte[] linkName,
    long mode,
    long uid,
    long gid,
    long size,
    long mtime,
    long deviceMajor,
    long deviceMinor) {

  private static final int CHECKSUM = 148;
  private static final int PREFIX = 345;

  static boolean isZero(byte[] block) {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  static TarHeader parse(byte[] block, TarInput in) throws LayerException {
    verifyChecksum(block, in);
    boolean magic = matches(block, 257, "ustar");
    boolean gnu = magic && matches(block, 257, "ustar  ");
    byte[] name = string(block, 0, 100);
    boolean prefixed = magic && !gnu;
    int prefixLength = prefixed && matches(block, 508, "tar\0") ? 131 : 155;
    if (gnu && block[156] != 'S' && !isNumber(block, PREFIX, 12)) {
      // Go before 1.8, and so docker's older layers, put ustar's prefix into GNU headers.
      prefixed = true;
    }
    byte[] prefix = prefixed ? string(block, PREFIX, prefixLength) : new byte[0];
    char type = (char) (block[156] & 0xFF);
    boolean device = type == '3' || type == '4';
    return new TarHeader(
        type,
        gnu,
        prefix.length == 0 ? name : join(prefix, name),
        string(block, 157, 100),
        number(block, 100, 8, "mode", in),
        number(block, 108, 8, "uid", in),
        number(block, 116, 8, "gid", in),
        number(block, 124, 12, "size", in),
        number(block, 136, 12, "mtime", in),
        device && magic ? number(block, 329, 8, "device number", in) : 0,
        device && magic ? number(block, 337, 8, "device number", in) : 0);
  }

  /**
   * A number field: octal digits between spaces and NULs, or binary if the first bit is set (GNU's
   * base-256, two's complement). An empty field is 0.
   */
  static long number(byte[] block, int offset, int length, String field, TarInput in)
      throws LayerException {
    if ((block[offset] & 0x80) != 0) {
      return binary(block, offset, length, field, in);
    }
    int start = offset;
    int end = offset + length;
    while (start < end && (block[start] == ' ' || block[start] == 0)) {
      start++;
    }
    long value = 0;
    int i = start;
    for (; i < end && block[i] != ' ' && block[i] != 0; i++) {
      int digit = block[i] - '0';
      if (digit < 0 || digit > 7) {
        throw in.error(Code.MALFORMED, "the header's " + field + " is not an octal number");
      }
      value = value << 3 | digit;
    }
    for (; i < end; i++) {
      if (block[i] != ' ' && block[i] != 0) {
        throw in.error(Code.MALFORMED, "the header's " + field + " is not an octal number");
      }
    }
    return value;
  }

  private static long binary(byte[] block, int offset, int length, String field, TarInput in)
      throws LayerException {
    boolean negative = (block[offset] & 0x40) != 0;
    long value = negative ? -1 : 0;
    for (int i = 0; i < length; i++) {
      int b = block[offset + i] & (i == 0 && !negative ? 0x7F : 0xFF);
      long shifted = value << 8;
      if (shifted >> 8 != value) {
        throw in.error(Code.LIMIT_EXCEEDED, "the header's " + field + " does not fit 64 bits");
      }
      value = shifted | b;
    }
    return value;
  }

  /** A text field: up to the first NUL. */
  static byte[] string(byte[] block, int offset, int length) {
    int end = offset;
    while (end < offset + length && block[end] != 0) {
      end++;
    }
    return Arrays.copyOfRange(block, offset, end);
  }

  private static void verifyChecksum(byte[] block, TarInput in) throws LayerException {
    long unsigned = 0;
    long signed = 0;
    for (int i = 0; i < block.length; i++) {
      byte b = i >= CHECKSUM && i < CHECKSUM + 8 ? (byte) ' ' : block[i];
      unsigned += b & 0xFF;
      signed += b;
    }
    // Some old programs summed signed bytes.
    if (!isNumber(block, CHECKSUM, 8)) {
      throw in.error(Code.BAD_CHECKSUM, "no tar header is here (its checksum is no number)");
    }
    long stored = number(block, CHECKSUM, 8, "checksum", in);
    if (stored != unsigned && stored != signed) {
      throw in.error(
          Code.BAD_CHECKSUM,
          "no tar header is here, or it is damaged (checksum "
              + stored
              + ", sum "
              + unsigned
              + ")");
    }
  }

  private static boolean isNumber(byte[] block, int offset, int length) {
    if ((block[offset] & 0x80) != 0) {
      return true;
    }
    for (int i = offset; i < offset + length; i++) {
      if (block[i] != 0 && block[i] != ' ' && (block[i] < '0' || block[i] > '7')) {
        return false;
      }
    }
    return true;
  }

  private static boolean matches(byte[] block, int offset, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (block[offset + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static byte[] join(byte[] prefix, byte[] name) {
    byte[] both = Arrays.copyOf(prefix, prefix.length + 1 + name.length);
    both[prefix.length] = '/';
    System.arraycopy(name, 0, both, prefix.length + 1, name.length);
    return both;
  }
}
