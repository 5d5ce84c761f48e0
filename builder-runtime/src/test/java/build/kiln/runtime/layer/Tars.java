package build.kiln.runtime.layer;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What tests of this package write and read tars with. */
final class Tars {
  /** A tar of what the source gives. */
  static byte[] write(LayerSource source) {
    var bytes = new ByteArrayOutputStream();
    var writer = new TarWriter(bytes);
    try {
      source.writeTo(writer);
      writer.finish();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Every event of a layer as a line that tells all of it. */
  static List<String> describe(byte[] tar) throws IOException {
    return describe(TarReader.ofLayer(new ByteArrayInputStream(tar), "test"));
  }

  static List<String> describe(TarReader reader) throws IOException {
    var lines = new ArrayList<String>();
    for (var event = reader.next(); event.isPresent(); event = reader.next()) {
      lines.add(describe(event.get()));
    }
    return lines;
  }

  static String describe(LayerEvent event) throws IOException {
    return switch (event) {
      case LayerEvent.Whiteout w -> "whiteout " + w.path();
      case LayerEvent.Opaque o -> "opaque " + o.directory();
      case LayerEvent.Entry e ->
          describe(e.meta())
              + (e.meta().kind() == EntryMeta.Kind.FILE
                  ? " crc=" + crc(e.content().readAllBytes())
                  : "");
    };
  }

  static String describe(EntryMeta m) {
    return "%s %s %o %s:%s %d.%09d size=%d%s%s%s"
        .formatted(
            m.kind(),
            LayerPaths.quote(m.path()),
            m.mode(),
            Integer.toUnsignedString(m.uid()),
            Integer.toUnsignedString(m.gid()),
            m.mtimeSeconds(),
            m.mtimeNanos(),
            m.size(),
            m.linkTarget() == null ? "" : " -> " + LayerPaths.quote(m.linkTarget()),
            m.deviceMajor() == 0 && m.deviceMinor() == 0
                ? ""
                : " dev=" + m.deviceMajor() + "," + m.deviceMinor(),
            xattrs(m.xattrs()));
  }

  static String xattrs(Map<String, byte[]> xattrs) {
    var text = new StringBuilder();
    new TreeMap<>(xattrs)
        .forEach(
            (k, v) -> text.append(' ').append(k).append('=').append(HexFormat.of().formatHex(v)));
    return text.toString();
  }

  static String crc(byte[] content) {
    var crc = new java.util.zip.CRC32();
    crc.update(content);
    return Long.toHexString(crc.getValue());
  }

  private Tars() {}
}
