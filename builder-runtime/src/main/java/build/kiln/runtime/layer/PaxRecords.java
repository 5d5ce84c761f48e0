package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.posix.Names;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The records of PAX headers (POSIX.1-2001, pax, "pax Extended Header"): those of the entry over
 * the global ones. An empty value takes a global record back.
 */
final class PaxRecords {
  static final String XATTR = "SCHILY.xattr.";

  /** What headers of all kinds may have together; the limit of Go's reader, so of docker's. */
  static final int MAX_BYTES = 1024 * 1024;

  private final Map<String, byte[]> records = new HashMap<>();

  /** GNU sparse 0.0 repeats these keys, in order: offset, length, offset, length. */
  private final List<String> sparsePairs = new ArrayList<>();

  private int bytes;

  /** Adds the records of one header. */
  void parse(byte[] data, TarInput in) throws LayerException {
    bytes += data.length;
    if (bytes > MAX_BYTES) {
      throw in.error(Code.LIMIT_EXCEEDED, "more than 1 MiB of PAX records");
    }
    int at = 0;
    while (at < data.length && data[at] != 0) {
      int space = indexOf(data, ' ', at);
      int length = recordLength(data, at, space, in);
      int end = at + length;
      int equals = indexOf(data, '=', space + 1);
      if (length < space - at + 3 || end > data.length || data[end - 1] != '\n') {
        throw malformed(in, "a record's length is wrong");
      }
      if (equals < 0 || equals >= end || equals == space + 1) {
        throw malformed(in, "a record has no key");
      }
      put(slice(data, space + 1, equals), Arrays.copyOfRange(data, equals + 1, end - 1));
      at = end;
    }
  }

  private void put(String key, byte[] value) {
    if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
      sparsePairs.add(new String(value, StandardCharsets.ISO_8859_1));
    } else {
      records.put(key, value);
    }
  }

  private static int recordLength(byte[] data, int at, int space, TarInput in)
      throws LayerException {
    if (space <= at || space - at > 8) {
      throw malformed(in, "a record has no length");
    }
    int length = 0;
    for (int i = at; i < space; i++) {
      if (data[i] < '0' || data[i] > '9') {
        throw malformed(in, "a record's length is not a number");
      }
      length = length * 10 + (data[i] - '0');
    }
    return length;
  }

  /** The records of this header where it has them, else those of the global ones. */
  PaxRecords over(PaxRecords global) {
    if (global.records.isEmpty()) {
      return this;
    }
    var both = new PaxRecords();
    both.records.putAll(global.records);
    both.records.putAll(records);
    both.sparsePairs.addAll(sparsePairs);
    return both;
  }

  /** A record's value as text, or null if there is none or it is empty. */
  @Nullable String text(String key) {
    byte[] value = records.get(key);
    return value == null || value.length == 0 ? null : Names.decode(value);
  }

  /** A decimal number that is not negative, or {@code absent}. */
  long number(String key, long absent, TarInput in) throws LayerException {
    String text = text(key);
    return text == null ? absent : parseNumber(text, key, in);
  }

  static long parseNumber(String text, String key, TarInput in) throws LayerException {
    if (text.isEmpty() || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw malformed(in, key + " is " + LayerPaths.quote(text) + ", not a number");
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw in.error(Code.LIMIT_EXCEEDED, key + " " + LayerPaths.quote(text) + " is too large");
    }
  }

  /** Seconds and nanoseconds, or null. Digits past the ninth are dropped. */
  @Nullable Time mtime(TarInput in) throws LayerException {
    String text = text("mtime");
    if (text == null) {
      return null;
    }
    boolean negative = text.startsWith("-");
    String digits = negative ? text.substring(1) : text;
    int dot = digits.indexOf('.');
    long seconds = parseNumber(dot < 0 ? digits : digits.substring(0, dot), "mtime", in);
    String fraction = dot < 0 ? "" : digits.substring(dot + 1);
    int nanos =
        fraction.isEmpty()
            ? 0
            : (int) parseNumber((fraction + "00000000").substring(0, 9), "mtime", in);
    if (!negative) {
      return new Time(seconds, nanos);
    }
    return nanos == 0 ? new Time(-seconds, 0) : new Time(-seconds - 1, 1_000_000_000 - nanos);
  }

  /** A point in time; nanoseconds always count forwards. */
  record Time(long seconds, int nanos) {}

  SortedMap<String, byte[]> xattrs() {
    TreeMap<String, byte[]> found = null;
    for (var record : records.entrySet()) {
      if (record.getKey().startsWith(XATTR) && record.getKey().length() > XATTR.length()) {
        found = found == null ? new TreeMap<>() : found;
        found.put(record.getKey().substring(XATTR.length()), record.getValue());
      }
    }
    return found == null ? Collections.emptySortedMap() : found;
  }

  List<String> sparsePairs() {
    return sparsePairs;
  }

  private static String slice(byte[] data, int from, int to) {
    return Names.decode(Arrays.copyOfRange(data, from, to));
  }

  private static int indexOf(byte[] data, char wanted, int from) {
    for (int i = from; i < data.length; i++) {
      if (data[i] == wanted) {
        return i;
      }
    }
    return -1;
  }

  private static LayerException malformed(TarInput in, String message) {
    return in.error(Code.MALFORMED, "PAX header: " + message);
  }
}
