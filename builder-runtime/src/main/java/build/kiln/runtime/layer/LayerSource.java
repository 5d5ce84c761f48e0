package build.kiln.runtime.layer;

import java.io.IOException;

/** Something that can be written as a layer's tar: a step's difference, files of a context. */
@FunctionalInterface
public interface LayerSource {
  /** Writes every entry, parents before children, in an order that depends on the content alone. */
  void writeTo(Sink sink) throws IOException;

  /** Takes entries. */
  interface Sink {
    /** Adds an entry without content. */
    void add(EntryMeta entry) throws IOException;

    /**
     * Adds a file; {@code content} is read to its end, must have {@code entry.size()} bytes, and is
     * closed.
     */
    void add(EntryMeta entry, java.io.InputStream content) throws IOException;

    /** Adds a whiteout: the path of a lower layer is gone. */
    void whiteout(String path) throws IOException;

    /** Adds an opaque marker: nothing of lower layers shows in this directory. */
    void opaque(String directory) throws IOException;
  }
}
