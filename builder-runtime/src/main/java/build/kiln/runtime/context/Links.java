package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;

/** Symbolic links of a tree of files, followed as in a chroot: they never lead out of the tree. */
public final class Links {
  /** As many as Linux follows. */
  private static final int MAX_LINKS = 40;

  /**
   * The entry that a path leads to, its last component followed too; empty if there is none. {@code
   * ..} is where the link led from, and the root's is the root.
   *
   * @throws ContextException INVALID after 40 links
   */
  public static Optional<EntryMeta> follow(FileTree tree, String path) throws IOException {
    EntryMeta at = tree.lookup("").orElseThrow();
    Deque<String> left = new ArrayDeque<>();
    prepend(left, path);
    int links = 0;
    while (!left.isEmpty()) {
      String name = left.pop();
      if (name.isEmpty()) {
        continue;
      }
      if (!at.isDirectory()) {
        return Optional.empty();
      }
      if (name.equals(".")) {
        continue;
      }
      String next = name.equals("..") ? LayerPaths.parent(at.path()) : join(at, name);
      Optional<EntryMeta> found = tree.lookup(next);
      if (found.isEmpty()) {
        return found;
      }
      if (found.get().kind() != Kind.SYMLINK) {
        at = found.get();
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new ContextException(
            Code.INVALID,
            "\"%s\" of the build context leads through more than %d symbolic links, the last at \"%s\"; is it a loop?"
                .formatted(path, MAX_LINKS, next));
      }
      String target = String.valueOf(found.get().linkTarget());
      if (target.startsWith("/")) {
        at = tree.lookup("").orElseThrow();
      }
      prepend(left, target);
    }
    return Optional.of(at);
  }

  /** See {@link BuildContext#read}. */
  static Optional<byte[]> read(FileTree tree, String path, int max) throws IOException {
    Optional<EntryMeta> found = follow(tree, path);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    EntryMeta file = found.get();
    if (file.kind() != Kind.FILE) {
      throw new ContextException(
          Code.INVALID,
          "\"%s\" of the build context is a %s, not a file"
              .formatted(path, file.kind().name().toLowerCase(Locale.ROOT)));
    }
    if (file.size() > max) {
      throw new ContextException(
          Code.TOO_LARGE,
          "\"%s\" of the build context has %d bytes; it may have at most %d"
              .formatted(path, file.size(), max));
    }
    try (InputStream in = tree.open(file)) {
      return Optional.of(in.readAllBytes());
    }
  }

  private static String join(EntryMeta directory, String name) {
    return LayerPaths.join(directory.path(), name);
  }

  private static void prepend(Deque<String> left, String path) {
    String[] parts = path.split("/", -1);
    for (int i = parts.length - 1; i >= 0; i--) {
      left.push(parts[i]);
    }
  }

  private Links() {}
}
