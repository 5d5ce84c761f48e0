package build.kiln.runtime.layer;

import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.posix.Names;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/** Seeded layers with entries of every kind. Public through testkit.RandomImages. */
public final class RandomTrees {
  private final Random random;
  private final LayerSource.Sink sink;
  private final List<String> files = new ArrayList<>();
  private final List<String> lower;

  private RandomTrees(long seed, List<String> lower, LayerSource.Sink sink) {
    this.random = new Random(seed);
    this.lower = lower;
    this.sink = sink;
  }

  /** A layer that depends on the seed alone. */
  public static LayerSource layer(long seed) {
    return layer(seed, List.of());
  }

  /**
   * A layer on top of others.
   *
   * @param lower paths that lower layers have, of which it removes some
   */
  public static LayerSource layer(long seed, List<String> lower) {
    return sink -> new RandomTrees(seed, lower, sink).write();
  }

  private void write() throws IOException {
    sink.add(EntryMeta.directory("", 0755, 0, 0, time()));
    sink.add(EntryMeta.directory("etc", 0755, 0, 0, time()));
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n".getBytes(StandardCharsets.UTF_8));
    directory("", 0);
    for (String path : lower) {
      if (random.nextInt(4) == 0) {
        sink.whiteout(path);
      }
    }
  }

  private void directory(String path, int depth) throws IOException {
    var names = new TreeSet<>(LayerPaths.BYTE_ORDER);
    for (int n = random.nextInt(3, 9); n > 0; n--) {
      names.add(name());
    }
    if (depth > 0 && random.nextInt(5) == 0) {
      sink.opaque(path);
    }
    for (String name : names) {
      entry(LayerPaths.join(path, name), depth);
    }
  }

  private void entry(String path, int depth) throws IOException {
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> {
        sink.add(special(path, Kind.DIRECTORY));
        if (depth < 4) {
          directory(path, depth + 1);
        }
      }
      case 3 -> sink.add(special(path, Kind.SYMLINK));
      case 4 -> sink.add(special(path, Kind.FIFO));
      case 5 -> {
        if (files.isEmpty()) {
          sink.add(special(path, Kind.FIFO));
        } else {
          String first = files.get(random.nextInt(files.size()));
          sink.add(EntryMeta.file(path, 0644, 0, 0, 0, 0).asHardLinkTo(first));
        }
      }
      case 6 ->
          sink.add(special(path, random.nextBoolean() ? Kind.CHARACTER_DEVICE : Kind.BLOCK_DEVICE));
      case 7 -> file(path, new byte[0]);
      default -> {
        byte[] content = new byte[random.nextInt(random.nextInt(10) == 0 ? 300_000 : 3000)];
        random.nextBytes(content);
        java.util.Arrays.fill(content, content.length / 3, content.length, (byte) 0);
        file(path, content);
      }
    }
  }

  private void file(String path, byte[] content) throws IOException {
    files.add(path);
    var m = special(path, Kind.FILE);
    sink.add(
        new EntryMeta(
            path,
            Kind.FILE,
            m.mode(),
            m.uid(),
            m.gid(),
            m.mtimeSeconds(),
            m.mtimeNanos(),
            content.length,
            null,
            0,
            0,
            m.xattrs(),
            0),
        new ByteArrayInputStream(content));
  }

  private EntryMeta special(String path, Kind kind) {
    boolean device = kind == Kind.CHARACTER_DEVICE || kind == Kind.BLOCK_DEVICE;
    return new EntryMeta(
        path,
        kind,
        kind == Kind.SYMLINK ? 0777 : random.nextInt(010000),
        owner(),
        owner(),
        time(),
        random.nextBoolean() ? 0 : random.nextInt(1_000_000_000),
        0,
        kind == Kind.SYMLINK ? "../" + name() : null,
        device ? 1 : 0,
        device ? 3 : 0,
        kind == Kind.FILE || kind == Kind.DIRECTORY ? xattrs(kind) : Collections.emptySortedMap(),
        0);
  }

  private int owner() {
    return switch (random.nextInt(9)) {
      case 0, 1 -> random.nextInt(70_000);
      case 2 -> random.nextInt(3_000_000);
      // The largest there is.
      case 3 -> -2;
      default -> 0;
    };
  }

  private long time() {
    return random.nextInt(20) == 0 ? -random.nextInt(1000) : random.nextInt(2_000_000_000);
  }

  private SortedMap<String, byte[]> xattrs(Kind kind) {
    if (random.nextInt(6) != 0) {
      return Collections.emptySortedMap();
    }
    var xattrs = new TreeMap<String, byte[]>();
    if (kind == Kind.FILE && random.nextInt(3) == 0) {
      xattrs.put("security.capability", capability(random));
    }
    byte[] value = new byte[random.nextInt(60)];
    random.nextBytes(value);
    xattrs.put("user.kiln" + random.nextInt(3), value);
    return xattrs;
  }

  /** Capabilities of a file, as the kernel takes them: struct vfs_cap_data, revision 2. */
  public static byte[] capability(Random random) {
    return ByteBuffer.allocate(20)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0x02000000 | random.nextInt(2))
        .putInt(random.nextInt() & 0x7fffffff)
        .putInt(random.nextInt(3))
        .putInt(0)
        .putInt(0)
        .array();
  }

  private String name() {
    byte[] bytes =
        switch (random.nextInt(10)) {
          case 0 -> new byte[] {'b', (byte) random.nextInt(0x80, 0x100), 'x'};
          case 1 ->
              ("\u00e4\u6f22\ud83d\ude80" + random.nextInt(9)).getBytes(StandardCharsets.UTF_8);
          case 2 ->
              ("long"
                      + random.nextInt(9)
                      + "x".repeat(random.nextInt(4) == 0 ? 250 : random.nextInt(250)))
                  .getBytes(StandardCharsets.UTF_8);
          case 3 -> ("with space\n" + random.nextInt(9)).getBytes(StandardCharsets.UTF_8);
          default -> ("n" + random.nextInt(1000)).getBytes(StandardCharsets.UTF_8);
        };
    return Names.decode(bytes);
  }
}
