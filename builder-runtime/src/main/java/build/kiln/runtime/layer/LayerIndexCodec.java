package build.kiln.runtime.layer;

import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerIndex.Item;
import build.kiln.runtime.posix.Names;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The file form of a {@link LayerIndex}: a magic with the version, numbers as varints, each path
 * without what it shares with the one before, and a CRC-32C of all of it at the end.
 */
final class LayerIndexCodec {
  /** Ends in the version: another one is a file to make anew. */
  private static final byte[] MAGIC = "kiln-layer-index-1\n".getBytes(StandardCharsets.US_ASCII);

  private static final int WHITEOUT = 100;
  private static final int OPAQUE = 101;
  private static final Kind[] KINDS = Kind.values();

  static void write(LayerIndex index, OutputStream out) throws IOException {
    var encoder = new Encoder();
    encoder.bytes.writeBytes(MAGIC);
    encoder.number(index.tarSize());
    encoder.number(index.items().size());
    index.items().forEach(encoder::item);
    encoder.number(index.small().size());
    new TreeMap<>(index.small())
        .forEach(
            (path, content) -> {
              encoder.text(path);
              encoder.data(content);
            });
    byte[] body = encoder.bytes.toByteArray();
    out.write(body);
    out.write(ByteBuffer.allocate(4).putInt(checksum(body, body.length)).array());
  }

  static Optional<LayerIndex> read(byte[] file) {
    int end = file.length - 4;
    if (end < MAGIC.length
        || !Arrays.equals(MAGIC, 0, MAGIC.length, file, 0, MAGIC.length)
        || ByteBuffer.wrap(file).getInt(end) != checksum(file, end)) {
      return Optional.empty();
    }
    return Optional.of(new Decoder(file, MAGIC.length).index());
  }

  private static int checksum(byte[] bytes, int length) {
    var crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private static final class Encoder {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private byte[] lastPath = new byte[0];

    void item(Item item) {
      switch (item) {
        case Item.Whiteout w -> {
          number(WHITEOUT);
          path(w.path());
        }
        case Item.Opaque o -> {
          number(OPAQUE);
          path(o.directory());
        }
        case Item.Entry e -> entry(e.meta(), e.extents());
      }
    }

    private void entry(EntryMeta m, List<Extent> extents) {
      number(m.kind().ordinal());
      path(m.path());
      number(m.mode());
      number(Integer.toUnsignedLong(m.uid()));
      number(Integer.toUnsignedLong(m.gid()));
      number(m.mtimeSeconds() << 1 ^ m.mtimeSeconds() >> 63);
      number(m.mtimeNanos());
      number(m.size());
      if (m.linkTarget() != null) {
        text(m.linkTarget());
      }
      if (m.kind() == Kind.CHARACTER_DEVICE || m.kind() == Kind.BLOCK_DEVICE) {
        number(m.deviceMajor());
        number(m.deviceMinor());
      }
      number(m.xattrs().size());
      m.xattrs()
          .forEach(
              (name, value) -> {
                text(name);
                data(value);
              });
      number(extents.size());
      for (Extent extent : extents) {
        number(extent.fileOffset());
        number(extent.tarOffset());
        number(extent.length());
      }
    }

    private void path(String path) {
      byte[] encoded = Names.encode(path);
      int mismatch = Arrays.mismatch(lastPath, encoded);
      int shared = mismatch < 0 ? encoded.length : mismatch;
      number(shared);
      data(Arrays.copyOfRange(encoded, shared, encoded.length));
      lastPath = encoded;
    }

    void text(String text) {
      data(Names.encode(text));
    }

    void data(byte[] data) {
      number(data.length);
      bytes.writeBytes(data);
    }

    void number(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        bytes.write((int) (rest & 0x7F | 0x80));
        rest >>>= 7;
      }
      bytes.write((int) rest);
    }
  }

  /** Reads what the checksum has shown to be whole. */
  private static final class Decoder {
    private final byte[] bytes;
    private int at;
    private byte[] lastPath = new byte[0];

    Decoder(byte[] bytes, int at) {
      this.bytes = bytes;
      this.at = at;
    }

    LayerIndex index() {
      long tarSize = number();
      int count = (int) number();
      var items = new ArrayList<Item>(count);
      for (int i = 0; i < count; i++) {
        items.add(item());
      }
      Map<String, byte[]> small = new TreeMap<>();
      for (int i = (int) number(); i > 0; i--) {
        small.put(Names.decode(data()), data());
      }
      return new LayerIndex(items, tarSize, small);
    }

    private Item item() {
      int tag = (int) number();
      String path = path();
      return switch (tag) {
        case WHITEOUT -> new Item.Whiteout(path);
        case OPAQUE -> new Item.Opaque(path);
        default -> entry(KINDS[tag], path);
      };
    }

    private Item.Entry entry(Kind kind, String path) {
      int mode = (int) number();
      int uid = (int) number();
      int gid = (int) number();
      long zigzag = number();
      int nanos = (int) number();
      long size = number();
      boolean link = kind == Kind.SYMLINK || kind == Kind.HARDLINK;
      @Nullable String target = link ? Names.decode(data()) : null;
      boolean device = kind == Kind.CHARACTER_DEVICE || kind == Kind.BLOCK_DEVICE;
      int major = device ? (int) number() : 0;
      int minor = device ? (int) number() : 0;
      var xattrs = xattrs();
      long seconds = zigzag >>> 1 ^ -(zigzag & 1);
      var meta =
          new EntryMeta(
              path, kind, mode, uid, gid, seconds, nanos, size, target, major, minor, xattrs, 0);
      int count = (int) number();
      var extents = new ArrayList<Extent>(count);
      for (int i = 0; i < count; i++) {
        extents.add(new Extent(number(), number(), number()));
      }
      return new Item.Entry(meta, extents);
    }

    private SortedMap<String, byte[]> xattrs() {
      int count = (int) number();
      if (count == 0) {
        return Collections.emptySortedMap();
      }
      var xattrs = new TreeMap<String, byte[]>();
      for (int i = 0; i < count; i++) {
        xattrs.put(Names.decode(data()), data());
      }
      return xattrs;
    }

    private String path() {
      int shared = (int) number();
      byte[] rest = data();
      byte[] path = Arrays.copyOf(lastPath, shared + rest.length);
      System.arraycopy(rest, 0, path, shared, rest.length);
      lastPath = path;
      return Names.decode(path);
    }

    private byte[] data() {
      int length = (int) number();
      byte[] data = Arrays.copyOfRange(bytes, at, at + length);
      at += length;
      return data;
    }

    private long number() {
      long value = 0;
      for (int shift = 0; ; shift += 7) {
        byte b = bytes[at++];
        value |= (long) (b & 0x7F) << shift;
        if (b >= 0) {
          return value;
        }
      }
    }
  }

  private LayerIndexCodec() {}
}
