package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.posix.Names;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.TreeMap;

/** One entry as header blocks: ustar, after a PAX header where ustar has no room. */
final class TarEncoder {
  private static final int NAME = 100;
  private static final int PREFIX = 155;
  private static final long MAX_7_OCTAL = 07777777;
  private static final long MAX_11_OCTAL = 077777777777L;

  private final ByteArrayOutputStream pax = new ByteArrayOutputStream(0);
  private final byte[] block = new byte[TarInput.BLOCK];

  /** All blocks before the entry's content. */
  static byte[] encode(EntryMeta entry) throws LayerException {
    return new TarEncoder().blocks(entry);
  }

  private byte[] blocks(EntryMeta entry) throws LayerException {
    byte[] name = Names.encode(tarName(entry));
    byte[] link = entry.linkTarget() == null ? new byte[0] : Names.encode(entry.linkTarget());
    int split = split(name);
    boolean longName = split < 0;
    boolean longLink = link.length > NAME;
    if (longName && !isUtf8(name) || longLink && !isUtf8(link)) {
      record("hdrcharset", "BINARY".getBytes(StandardCharsets.US_ASCII));
    }
    if (longName) {
      record("path", name);
      put(0, Arrays.copyOf(name, NAME));
    } else {
      put(0, Arrays.copyOfRange(name, split == 0 ? 0 : split + 1, name.length));
      put(345, Arrays.copyOf(name, split));
    }
    if (longLink) {
      record("linkpath", link);
    }
    put(157, Arrays.copyOf(link, Math.min(NAME, link.length)));
    octal(100, 7, entry.mode() & 07777);
    numbers(entry);
    block[156] = (byte) type(entry);
    put(257, "ustar\00000".getBytes(StandardCharsets.US_ASCII));
    octal(329, 7, entry.deviceMajor());
    octal(337, 7, entry.deviceMinor());
    for (var xattr : new TreeMap<>(entry.xattrs()).entrySet()) {
      if (xattr.getKey().isEmpty() || xattr.getKey().indexOf('=') >= 0) {
        throw new LayerException(
            Code.UNREPRESENTABLE,
            LayerPaths.quote(entry.path())
                + " has the extended attribute "
                + LayerPaths.quote(xattr.getKey())
                + ", whose name no tar can hold; remove the attribute");
      }
      record(PaxRecords.XATTR + xattr.getKey(), xattr.getValue());
    }
    checksum(block);
    return pax.size() == 0 ? block : withPax(entry);
  }

  private static String tarName(EntryMeta entry) {
    if (entry.path().isEmpty()) {
      return "./";
    }
    return entry.isDirectory() ? entry.path() + "/" : entry.path();
  }

  private static char type(EntryMeta entry) {
    return switch (entry.kind()) {
      case FILE -> '0';
      case HARDLINK -> '1';
      case SYMLINK -> '2';
      case CHARACTER_DEVICE -> '3';
      case BLOCK_DEVICE -> '4';
      case DIRECTORY -> '5';
      case FIFO -> '6';
    };
  }

  /** Numbers beyond ustar's octal digits, and fractions of seconds, become records. */
  private void numbers(EntryMeta entry) {
    numberOrRecord("size", 124, 11, MAX_11_OCTAL, entry.size());
    numberOrRecord("uid", 108, 7, MAX_7_OCTAL, Integer.toUnsignedLong(entry.uid()));
    numberOrRecord("gid", 116, 7, MAX_7_OCTAL, Integer.toUnsignedLong(entry.gid()));
    long seconds = entry.mtimeSeconds();
    boolean plain = seconds >= 0 && seconds <= MAX_11_OCTAL;
    octal(136, 11, plain ? seconds : 0);
    if (!plain || entry.mtimeNanos() != 0) {
      record("mtime", time(seconds, entry.mtimeNanos()).getBytes(StandardCharsets.US_ASCII));
    }
  }

  private void numberOrRecord(String key, int offset, int digits, long max, long value) {
    octal(offset, digits, value <= max ? value : 0);
    if (value > max) {
      record(key, Long.toString(value).getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** Seconds with as many decimals as needed; before 1970 the decimals count backwards. */
  private static String time(long seconds, int nanos) {
    boolean negative = seconds < 0 && nanos > 0;
    long whole = negative ? seconds + 1 : seconds;
    String sign = negative && whole == 0 ? "-" : "";
    if (nanos == 0) {
      return Long.toString(seconds);
    }
    String tenDigits = Integer.toString(1_000_000_000 + (negative ? 1_000_000_000 - nanos : nanos));
    int end = tenDigits.length();
    while (tenDigits.charAt(end - 1) == '0') {
      end--;
    }
    return sign + whole + "." + tenDigits.substring(1, end);
  }

  /** Where ustar's prefix ends so that both parts fit; 0 for no prefix, -1 if nothing fits. */
  private static int split(byte[] name) {
    if (name.length <= NAME) {
      return 0;
    }
    for (int i = Math.min(PREFIX, name.length - 2); i > 0; i--) {
      if (name[i] == '/' && name.length - i - 1 <= NAME) {
        return i;
      }
    }
    return -1;
  }

  private byte[] withPax(EntryMeta entry) throws LayerException {
    if (pax.size() > PaxRecords.MAX_BYTES) {
      throw new LayerException(
          Code.LIMIT_EXCEEDED,
          LayerPaths.quote(entry.path())
              + " has names and extended attributes of "
              + pax.size()
              + " bytes; readers take at most 1 MiB");
    }
    byte[] records = pax.toByteArray();
    var front = new TarEncoder();
    front.put(0, "././@PaxHeader".getBytes(StandardCharsets.US_ASCII));
    front.octal(100, 7, 0);
    front.octal(108, 7, 0);
    front.octal(116, 7, 0);
    front.octal(124, 11, records.length);
    front.octal(136, 11, 0);
    front.block[156] = 'x';
    front.put(257, "ustar\00000".getBytes(StandardCharsets.US_ASCII));
    checksum(front.block);
    int padded = records.length + (int) TarInput.padding(records.length);
    byte[] all = Arrays.copyOf(front.block, TarInput.BLOCK + padded + block.length);
    System.arraycopy(records, 0, all, TarInput.BLOCK, records.length);
    System.arraycopy(block, 0, all, TarInput.BLOCK + padded, block.length);
    return all;
  }

  /** Adds {@code length key=value\n}, where the length counts itself. */
  private void record(String key, byte[] value) {
    byte[] keyBytes = Names.encode(key);
    int rest = keyBytes.length + value.length + 3;
    int length = rest + Integer.toString(rest).length();
    if (rest + Integer.toString(length).length() != length) {
      length++;
    }
    pax.writeBytes((length + " ").getBytes(StandardCharsets.US_ASCII));
    pax.writeBytes(keyBytes);
    pax.write('=');
    pax.writeBytes(value);
    pax.write('\n');
  }

  private void put(int offset, byte[] bytes) {
    System.arraycopy(bytes, 0, block, offset, bytes.length);
  }

  private void octal(int offset, int digits, long value) {
    long rest = value;
    for (int i = offset + digits - 1; i >= offset; i--) {
      block[i] = (byte) ('0' + (rest & 7));
      rest >>>= 3;
    }
  }

  private static void checksum(byte[] block) {
    Arrays.fill(block, 148, 156, (byte) ' ');
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xFF;
    }
    for (int i = 153; i >= 148; i--) {
      block[i] = (byte) ('0' + (sum & 7));
      sum >>>= 3;
    }
    block[154] = 0;
    block[155] = ' ';
  }

  private static boolean isUtf8(byte[] bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException notUtf8) {
      return false;
    }
  }
}
