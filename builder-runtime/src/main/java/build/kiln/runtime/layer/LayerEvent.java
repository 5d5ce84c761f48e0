package build.kiln.runtime.layer;

import java.io.InputStream;
import java.util.List;

/** One thing that a layer says (OCI image-spec 1.1, layer, "Applying Changesets"). */
public sealed interface LayerEvent {
  /**
   * An entry is added, or replaces what has its path.
   *
   * @param content a file's bytes with holes as zeros; valid until the reader goes on, and need not
   *     be read; empty for what is not a file
   * @param extents which of the content the tar really holds, in order; a plain file has one, a
   *     file of holes or without content has none
   */
  record Entry(EntryMeta meta, InputStream content, List<Extent> extents) implements LayerEvent {
    public Entry {
      extents = List.copyOf(extents);
    }
  }

  /** The path of lower layers is gone, with all below it. */
  record Whiteout(String path) implements LayerEvent {}

  /** Nothing of lower layers shows in this directory; what this layer adds to it does. */
  record Opaque(String directory) implements LayerEvent {}
}
