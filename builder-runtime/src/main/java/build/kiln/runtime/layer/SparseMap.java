package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which parts of a sparse file the tar holds, in the four forms that GNU tar has had (GNU tar
 * manual, "Storing Sparse Files").
 *
 * @param size the file's size with its holes
 * @param runs offset and length of what is not a hole, in order
 */
record SparseMap(long size, List<Run> runs) {
  /** Beyond what ext4 can hold; such a size is an attack on whoever writes out the holes. */
  static final long MAX_SIZE = 16L << 40;

  private static final int MAX_MAP_BYTES = 1024 * 1024;
  private static final int MAX_RUNS = MAX_MAP_BYTES / 4;

  /** One run of content. */
  record Run(long offset, long length) {}

  /** The map of the old GNU form: in the header and in blocks after it. */
  static SparseMap oldGnu(byte[] header, TarInput in) throws IOException {
    long size = TarHeader.number(header, 483, 12, "real size", in);
    var runs = new ArrayList<Run>();
    addOldRuns(header, 386, 4, runs, in);
    boolean more = header[482] != 0;
    byte[] block = new byte[TarInput.BLOCK];
    while (more) {
      if (!in.readBlock(block)) {
        throw in.error(Code.TRUNCATED, "the stream ends inside a sparse map");
      }
      addOldRuns(block, 0, 21, runs, in);
      more = block[504] != 0;
      if (runs.size() > MAX_RUNS) {
        throw in.error(Code.LIMIT_EXCEEDED, "a sparse map of more than " + MAX_RUNS + " runs");
      }
    }
    return new SparseMap(size, runs);
  }

  private static void addOldRuns(byte[] block, int start, int count, List<Run> runs, TarInput in)
      throws LayerException {
    for (int i = 0; i < count && block[start + 24 * i] != 0; i++) {
      int at = start + 24 * i;
      runs.add(
          new Run(
              TarHeader.number(block, at, 12, "sparse offset", in),
              TarHeader.number(block, at + 12, 12, "sparse length", in)));
    }
  }

  /** The map that PAX records give, or null if the entry is not sparse. Reads form 1.0's map. */
  static @Nullable SparseMap pax(PaxRecords pax, long stored, TarInput in) throws IOException {
    long major = pax.number("GNU.sparse.major", -1, in);
    if (major >= 0) {
      long minor = pax.number("GNU.sparse.minor", 0, in);
      if (major == 1 && minor == 0) {
        long size = pax.number("GNU.sparse.realsize", stored, in);
        return new SparseMap(size, readLeadingMap(stored, in));
      }
      if (major != 0) {
        throw in.error(
            Code.UNSUPPORTED, "sparse format " + major + "." + minor + " (known: 0.0, 0.1, 1.0)");
      }
    }
    String map = pax.text("GNU.sparse.map");
    boolean sparse = map != null || !pax.sparsePairs().isEmpty();
    if (!sparse && pax.text("GNU.sparse.size") == null) {
      return null;
    }
    List<String> numbers = map == null ? pax.sparsePairs() : List.of(map.split(",", -1));
    return new SparseMap(pax.number("GNU.sparse.size", stored, in), pair(numbers, in));
  }

  private static List<Run> pair(List<String> numbers, TarInput in) throws LayerException {
    if (numbers.size() % 2 != 0) {
      throw in.error(Code.MALFORMED, "a sparse map has an offset without a length");
    }
    var runs = new ArrayList<Run>();
    for (int i = 0; i < numbers.size(); i += 2) {
      runs.add(
          new Run(
              PaxRecords.parseNumber(numbers.get(i), "a sparse offset", in),
              PaxRecords.parseNumber(numbers.get(i + 1), "a sparse length", in)));
    }
    return runs;
  }

  /** Form 1.0: lines of numbers before the content, the count first, up to a whole block. */
  private static List<Run> readLeadingMap(long stored, TarInput in) throws IOException {
    var numbers = new ArrayList<String>();
    var line = new StringBuilder();
    byte[] block = new byte[TarInput.BLOCK];
    long wanted = 1;
    for (long read = 0; numbers.size() < wanted; read += TarInput.BLOCK) {
      if (read >= MAX_MAP_BYTES) {
        throw in.error(Code.LIMIT_EXCEEDED, "a sparse map of more than 1 MiB");
      }
      if (read + TarInput.BLOCK > stored + TarInput.padding(stored) || !in.readBlock(block)) {
        throw in.error(Code.TRUNCATED, "the content ends inside a sparse map");
      }
      for (int i = 0; i < block.length && numbers.size() < wanted; i++) {
        if (block[i] != '\n') {
          line.append((char) (block[i] & 0xFF));
          continue;
        }
        numbers.add(line.toString());
        line.setLength(0);
        if (numbers.size() == 1) {
          long count = PaxRecords.parseNumber(numbers.getFirst(), "a sparse map's count", in);
          if (count > MAX_RUNS) {
            throw in.error(Code.LIMIT_EXCEEDED, "a sparse map of " + count + " runs");
          }
          wanted = 1 + 2 * count;
        }
      }
    }
    return pair(numbers.subList(1, numbers.size()), in);
  }

  /** Where each run is in the tar, its content being stored one after the other from here. */
  List<Extent> extents(long tarOffset, long stored, TarInput in) throws LayerException {
    if (size < 0 || size > MAX_SIZE) {
      throw in.error(Code.LIMIT_EXCEEDED, "a sparse file of " + size + " bytes");
    }
    var extents = new ArrayList<Extent>(runs.size());
    long end = 0;
    long at = 0;
    for (Run run : runs) {
      if (run.offset < end || run.length < 0 || run.length > size - run.offset) {
        throw in.error(Code.MALFORMED, "a sparse map's runs overlap or lie outside the file");
      }
      end = run.offset + run.length;
      if (run.length > 0) {
        extents.add(new Extent(run.offset, tarOffset + at, run.length));
      }
      at += run.length;
    }
    if (at != stored) {
      throw in.error(
          Code.MALFORMED, "a sparse map tells of " + at + " bytes, the entry has " + stored);
    }
    return extents;
  }
}
