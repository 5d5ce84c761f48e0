package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The IDs that exist for this process, and the map of a user namespace nested in its own. IDs are
 * mapped to themselves as far as there are any below 65536, so that owners are the same inside and
 * outside; a process that is not root maps root to itself.
 *
 * @param ranges what is mapped, inside to outside
 */
record IdMap(List<Range> ranges) {
  private static final long SIZE = 65536;

  /** {@code count} IDs: {@code inside} and on are {@code outside} and on. */
  record Range(long inside, long outside, long count) {}

  IdMap {
    ranges = List.copyOf(ranges);
  }

  /**
   * @param present a {@code uid_map} or {@code gid_map} of user_namespaces(7)
   * @param root whether this process may map more than itself
   * @param own this process's own ID
   */
  static IdMap nested(String present, boolean root, long own) {
    if (!root) {
      return new IdMap(List.of(new Range(0, own, 1)));
    }
    List<Range> ranges = new ArrayList<>();
    for (String line : present.lines().toList()) {
      String[] fields = line.strip().split(" +");
      long start = Long.parseLong(fields[0]);
      long end = Math.min(SIZE, start + Long.parseLong(fields[2]));
      if (start < end) {
        ranges.add(new Range(start, start, end - start));
      }
    }
    return new IdMap(ranges);
  }

  boolean has(long inside) {
    return ranges.stream().anyMatch(r -> r.inside <= inside && inside < r.inside + r.count);
  }

  /** How many IDs there are inside. */
  long size() {
    return ranges.stream().mapToLong(Range::count).sum();
  }

  /** Writes the map of a process that has just got a user namespace of its own. */
  void write(Path map) throws IOException {
    var text = new StringBuilder();
    for (Range range : ranges) {
      text.append(range.inside).append(' ').append(range.outside).append(' ').append(range.count);
      text.append('\n');
    }
    // The kernel takes a map in one single write.
    Files.write(map, text.toString().getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }
}
