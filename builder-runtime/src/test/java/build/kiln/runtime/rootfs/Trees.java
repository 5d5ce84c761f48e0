package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32;

/** All that a tree is, as lines to compare: a path each, but for what a sandbox provides. */
final class Trees {
  private static final EntryReader READER = new EntryReader((path, xattrs) -> xattrs);

  private final Map<String, String> lines = new TreeMap<>(LayerPaths.BYTE_ORDER);
  private final Map<Long, List<String>> groups = new TreeMap<>();

  private Trees() {}

  static Map<String, String> of(Path root) throws IOException {
    return DeepStack.call(
        () -> {
          try (DirectoryHandle handle = DirectoryHandle.open(root)) {
            var trees = new Trees();
            trees.add(READER.directory("", handle), null);
            trees.walk(handle, "");
            return trees.result();
          }
        });
  }

  static Map<String, String> of(ImageTree image) throws IOException {
    var trees = new Trees();
    trees.add(image.lookup("").orElseThrow(), null);
    trees.walk(image, "");
    return trees.result();
  }

  /** Skips a test whose layers have owners, which only root can set. */
  static void assumeRoot() {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may set owners");
  }

  /** With the directory for {@code /etc/hosts}, which is made where an image has none. */
  static Map<String, String> withEtc(Map<String, String> lines) {
    lines.putIfAbsent("etc", "DIRECTORY 755 0:0 0.000000000 0");
    return lines;
  }

  /** Fails with the lines that differ, if some do. */
  static void assertSame(String what, Map<String, String> actual, Map<String, String> expected) {
    var differences = new ArrayList<String>();
    var paths = new TreeSet<>(LayerPaths.BYTE_ORDER);
    paths.addAll(actual.keySet());
    paths.addAll(expected.keySet());
    for (String path : paths) {
      String is = actual.getOrDefault(path, "not there");
      String should = expected.getOrDefault(path, "not there");
      if (!is.equals(should)) {
        differences.add(path + "\n  is        " + is + "\n  should be " + should);
      }
    }
    assertThat(differences).as(what).isEmpty();
  }

  private void walk(DirectoryHandle directory, String path) throws IOException {
    for (String name : directory.names()) {
      String child = LayerPaths.join(path, name);
      if (StepPaths.contain(child)) {
        continue;
      }
      FileStatus status = directory.status(name);
      if (status.isDirectory()) {
        try (DirectoryHandle handle = directory.openDirectory(name)) {
          add(READER.directory(child, handle), null);
          walk(handle, child);
        }
      } else {
        READER.add(new Sink(), directory, name, child, status);
      }
    }
  }

  private void walk(ImageTree image, String path) throws IOException {
    for (EntryMeta meta : image.children(path)) {
      if (StepPaths.contain(meta.path())) {
        continue;
      }
      if (meta.kind() == Kind.FILE) {
        try (InputStream in = image.open(meta)) {
          add(meta, in);
        }
      } else {
        add(meta, null);
        walk(image, meta.path());
      }
    }
  }

  private final class Sink implements build.kiln.runtime.layer.LayerSource.Sink {
    @Override
    public void add(EntryMeta entry) throws IOException {
      Trees.this.add(entry, entry.kind() == Kind.FILE ? InputStream.nullInputStream() : null);
    }

    @Override
    public void add(EntryMeta entry, InputStream content) throws IOException {
      try (content) {
        Trees.this.add(entry, content);
      }
    }

    @Override
    public void whiteout(String path) {
      throw new AssertionError(path);
    }

    @Override
    public void opaque(String directory) {
      throw new AssertionError(directory);
    }
  }

  private void add(EntryMeta m, @org.jspecify.annotations.Nullable InputStream content)
      throws IOException {
    lines.put(m.path(), facts(m) + (content == null ? "" : " crc " + crc(content)));
    if (m.linkId() != 0) {
      groups.computeIfAbsent(m.linkId(), id -> new ArrayList<>()).add(m.path());
    }
  }

  /** An entry but for its content. */
  static String line(EntryMeta m) {
    return m.path() + " " + facts(m);
  }

  private static String facts(EntryMeta m) {
    var xattrs = new StringBuilder();
    m.xattrs()
        .forEach(
            (k, v) -> xattrs.append(' ').append(k).append('=').append(HexFormat.of().formatHex(v)));
    return "%s %o %s:%s %d.%09d %d%s%s%s"
        .formatted(
            m.kind(),
            m.kind() == Kind.SYMLINK ? 0777 : m.mode(),
            Integer.toUnsignedString(m.uid()),
            Integer.toUnsignedString(m.gid()),
            m.mtimeSeconds(),
            m.mtimeNanos(),
            m.size(),
            m.linkTarget() == null ? "" : " -> " + m.linkTarget(),
            m.deviceMajor() == 0 && m.deviceMinor() == 0
                ? ""
                : " device " + m.deviceMajor() + "," + m.deviceMinor(),
            xattrs);
  }

  private static String crc(InputStream in) throws IOException {
    var crc = new CRC32();
    byte[] buffer = new byte[64 * 1024];
    for (int n = in.read(buffer, 0, buffer.length); n >= 0; n = in.read(buffer, 0, buffer.length)) {
      crc.update(buffer, 0, n);
    }
    return Long.toHexString(crc.getValue());
  }

  private Map<String, String> result() {
    for (List<String> group : groups.values()) {
      group.sort(LayerPaths.BYTE_ORDER);
      if (group.size() > 1) {
        group.forEach(path -> lines.merge(path, " link of " + group.getFirst(), String::concat));
      }
    }
    return lines;
  }
}
