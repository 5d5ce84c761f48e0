package build.kiln.runtime.context;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Trees as text. */
final class Trees {
  /** Every entry below the root in the order of a walk: {@code kind mode path[ -> target]}. */
  static List<String> list(FileTree tree) throws IOException {
    var lines = new ArrayList<String>();
    walk(tree, "", lines);
    return lines;
  }

  private static void walk(FileTree tree, String path, List<String> lines) throws IOException {
    for (EntryMeta entry : tree.children(path)) {
      String target = entry.linkTarget() == null ? "" : " -> " + entry.linkTarget();
      lines.add(
          "%s %o %s%s"
              .formatted(
                  entry.kind().name().toLowerCase(java.util.Locale.ROOT),
                  entry.mode(),
                  entry.path(),
                  target));
      walk(tree, entry.path(), lines);
    }
  }

  static List<String> paths(FileTree tree) throws IOException {
    return list(tree).stream().map(line -> line.replaceFirst("\\S+ \\S+ ", "")).toList();
  }

  static String text(FileTree tree, String path) throws IOException {
    try (InputStream in = tree.open(tree.lookup(path).orElseThrow())) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private Trees() {}
}
