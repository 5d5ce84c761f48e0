package build.kiln.runtime.differential;

import build.kiln.runtime.differential.LayerEntries.Entry;
import build.kiln.runtime.differential.LayerEntries.Kind;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;

/**
 * An image as one who runs it sees it.
 *
 * @param config the configuration's JSON
 * @param layers base first
 */
public record Image(JsonNode config, List<List<Entry>> layers) {

  /** A file; several paths that are hard links have the same one. */
  public record Node(Entry entry) {
    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  /** What is at every path when all layers are applied (OCI image-spec 1.1, layer). */
  public NavigableMap<String, Node> files() {
    var files = new TreeMap<String, Node>();
    for (List<Entry> layer : layers) {
      // A whiteout is about what lower layers have, wherever it stands in its own.
      for (Entry entry : layer) {
        whiteout(files, entry);
      }
      for (Entry entry : layer) {
        put(files, entry);
      }
    }
    return files;
  }

  private static void whiteout(TreeMap<String, Node> files, Entry entry) {
    String name = entry.path().substring(entry.path().lastIndexOf('/') + 1);
    String parent = entry.path().substring(0, entry.path().length() - name.length());
    if (name.equals(".wh..wh..opq")) {
      below(files, parent).clear();
    } else if (name.startsWith(".wh.") && !name.startsWith(".wh..wh.")) {
      remove(files, parent + name.substring(4));
    }
  }

  private static void put(TreeMap<String, Node> files, Entry entry) {
    String name = entry.path().substring(entry.path().lastIndexOf('/') + 1);
    if (name.startsWith(".wh.") || entry.path().isEmpty()) {
      return;
    }
    if (entry.kind() != Kind.DIRECTORY) {
      remove(files, entry.path());
    }
    Node node =
        entry.kind() == Kind.HARD_LINK
            ? Objects.requireNonNull(files.get(entry.rest()), () -> entry + " leads nowhere")
            : new Node(entry);
    files.put(entry.path(), node);
  }

  private static void remove(TreeMap<String, Node> files, String path) {
    files.remove(path);
    below(files, path + "/").clear();
  }

  private static Map<String, Node> below(TreeMap<String, Node> files, String prefix) {
    return prefix.isEmpty() || prefix.equals("/") ? files : files.subMap(prefix, prefix + '\uffff');
  }
}
