package build.kiln.runtime.cache;

import build.kiln.runtime.layer.EntryMeta;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Collects what a key says of files, by path. At most so many paths: where there are more, the
 * deepest ones are left out, and the directories above them stand for all that is below.
 */
public final class FileInputs {
  /** How many paths are told apart. */
  public static final int LIMIT = 10_000;

  private final int limit;
  private final Map<String, Seen> files = new HashMap<>();
  private int depth = Integer.MAX_VALUE;

  /** What was added; made readable only when somebody wants to read it. */
  private record Seen(EntryMeta entry, byte[] content, byte[] whole, boolean owners) {}

  public FileInputs() {
    this(LIMIT);
  }

  /**
   * @param limit how many paths are told apart
   */
  FileInputs(int limit) {
    this.limit = limit;
  }

  /**
   * Adds an entry; a directory after all that is below it.
   *
   * @param content of a file's bytes; empty for all else
   * @param whole the digest of the entry with all below it
   * @param owners whether the owner counts
   */
  public void add(EntryMeta entry, byte[] content, byte[] whole, boolean owners) {
    int at = depthOf(entry.path());
    if (at > depth) {
      return;
    }
    files.put(entry.path(), new Seen(entry, content, whole, owners));
    while (files.size() > limit && depth > 0) {
      leaveOutTheDeepest();
    }
  }

  private static FileInput input(Seen seen) {
    EntryMeta entry = seen.entry;
    byte[] content = seen.content;
    String shown = FileInput.NOTHING;
    if (content.length > 0) {
      shown = Hashes.of(content);
    } else if (entry.linkTarget() != null) {
      shown = Hashes.of(entry.linkTarget());
    }
    return new FileInput(
        entry.kind().name(),
        Integer.toOctalString(entry.mode()),
        seen.owners ? entry.uid() + ":" + entry.gid() : FileInput.NOTHING,
        shown,
        rest(entry));
  }

  private static String rest(EntryMeta entry) {
    if (entry.xattrs().isEmpty() && entry.deviceMajor() == 0 && entry.deviceMinor() == 0) {
      return FileInput.NOTHING;
    }
    var text =
        new StringBuilder().append(entry.deviceMajor()).append(':').append(entry.deviceMinor());
    entry
        .xattrs()
        .forEach(
            (name, value) -> text.append('\n').append(name).append('=').append(Hashes.of(value)));
    return Hashes.of(text.toString());
  }

  private void leaveOutTheDeepest() {
    int deepest = files.keySet().stream().mapToInt(FileInputs::depthOf).max().orElse(0);
    depth = Math.max(0, deepest - 1);
    files.keySet().removeIf(path -> depthOf(path) > depth);
  }

  private static int depthOf(String path) {
    int depth = path.isEmpty() ? 0 : 1;
    for (int at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      depth++;
    }
    return depth;
  }

  /** What was added, by path. */
  public SortedMap<String, FileInput> byPath() {
    var all = new TreeMap<String, FileInput>();
    files.forEach(
        (path, seen) -> {
          boolean standsForAll = seen.entry.isDirectory() && depthOf(path) == depth;
          FileInput input = input(seen);
          all.put(path, standsForAll ? input.withContent(Hashes.of(seen.whole)) : input);
        });
    return all;
  }
}
