package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Wildcard;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.rootfs.Resolved;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the sources of COPY and ADD stand for in the tree that they are taken from. */
final class Sources {
  private final FileTree tree;

  /**
   * One thing to copy.
   *
   * @param name what a file is called in a destination directory: the name as matched, also where
   *     it is a symbolic link
   * @param entry where the links of the path lead
   */
  record Match(String name, EntryMeta entry) {}

  Sources(FileTree tree) {
    this.tree = tree;
  }

  /** All matches, in the order of their paths; none is no error here. */
  List<Match> find(Wildcard source) throws IOException {
    if (!source.hasWildcards()) {
      return follow(source.prefix()).stream().toList();
    }
    var matches = new ArrayList<Match>();
    Resolved start = Paths.resolve(tree::lookup, source.prefix());
    if (start.exists()) {
      collect(source, start.real(), "", matches);
    }
    return matches;
  }

  private void collect(Wildcard source, String root, String below, List<Match> matches)
      throws IOException {
    String directory = below.isEmpty() ? root : LayerPaths.join(root, below);
    for (EntryMeta child : tree.children(directory)) {
      String path = LayerPaths.join(below, child.name());
      if (source.matches(path)) {
        follow(child.path()).ifPresent(matches::add);
      } else if (child.isDirectory() && source.mayMatchBelow(path)) {
        collect(source, root, path, matches);
      }
    }
  }

  /** The entry at a path, empty if there is none or a link leads nowhere. */
  private Optional<Match> follow(String path) throws IOException {
    Resolved resolved = Paths.resolve(tree::lookup, path);
    if (!resolved.exists()) {
      return Optional.empty();
    }
    return tree.lookup(resolved.real()).map(entry -> new Match(LayerPaths.name(path), entry));
  }
}
