package build.kiln.runtime.layer;

import build.kiln.runtime.layer.EntryMeta.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a layer holds, in the order of its tar, without the content but with the places where it is.
 * Immutable. Made by streaming the layer once; kept in a compact file.
 *
 * @param tarSize the bytes of the uncompressed tar
 * @param small the content of a few small files that builds ask for by name (accounts), so that
 *     nobody inflates a layer for them
 */
public record LayerIndex(List<Item> items, long tarSize, Map<String, byte[]> small) {
  /** Files whose content the index keeps. */
  private static final Set<String> SMALL_FILES =
      Set.of("etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release");

  static final int MAX_SMALL = 64 * 1024;

  public LayerIndex {
    items = List.copyOf(items);
    small = Map.copyOf(small);
  }

  /** One thing that the layer says. */
  public sealed interface Item {
    /** As {@link LayerEvent.Entry}. */
    record Entry(EntryMeta meta, List<Extent> extents) implements Item {
      public Entry {
        extents = List.copyOf(extents);
      }
    }

    /** As {@link LayerEvent.Whiteout}. */
    record Whiteout(String path) implements Item {}

    /** As {@link LayerEvent.Opaque}. */
    record Opaque(String directory) implements Item {}
  }

  /** The index in its compact form. */
  public byte[] toBytes() throws IOException {
    var out = new ByteArrayOutputStream();
    LayerIndexCodec.write(this, out);
    return out.toByteArray();
  }

  /** Reads the compact form; empty if it is missing, broken or of another version. */
  public static Optional<LayerIndex> load(Path file) {
    try {
      return LayerIndexCodec.read(Files.readAllBytes(file));
    } catch (IOException missing) {
      return Optional.empty();
    }
  }

  /** Collects what is read or written. */
  static final class Builder {
    private final List<Item> items = new ArrayList<>();
    private final Map<String, byte[]> small = new TreeMap<>();

    void entry(EntryMeta meta, List<Extent> extents) {
      items.add(new Item.Entry(meta, extents));
    }

    void whiteout(String path) {
      items.add(new Item.Whiteout(path));
    }

    void opaque(String directory) {
      items.add(new Item.Opaque(directory));
    }

    boolean keeps(EntryMeta meta) {
      return meta.kind() == Kind.FILE
          && meta.size() <= MAX_SMALL
          && SMALL_FILES.contains(meta.path());
    }

    void small(String path, byte[] content) {
      small.put(path, content);
    }

    LayerIndex build(long tarSize) {
      return new LayerIndex(items, tarSize, small);
    }
  }
}
