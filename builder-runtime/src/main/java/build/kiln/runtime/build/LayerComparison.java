package build.kiln.runtime.build;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerIndex.Item;
import build.kiln.runtime.rootfs.ImageTree;
import build.kiln.runtime.store.LayerFiles;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds what differs in two layers. Something other than a time is told before one: where a file's
 * content differs its time does too, and that says less.
 */
final class LayerComparison {
  private final String where;
  private final Side first;
  private final Side second;

  /** A layer of one of the builds. */
  private static final class Side {
    private final Map<String, Item> items = new LinkedHashMap<>();
    private final ImageTree tree;

    Side(LayerFiles files, Layer layer) throws IOException {
      for (Item item : files.index(layer).items()) {
        items.put(name(item), item);
      }
      tree = ImageTree.of(files, List.of(layer));
    }

    private static String name(Item item) {
      return switch (item) {
        case Item.Entry entry -> "/" + entry.meta().path();
        case Item.Whiteout whiteout -> "/" + whiteout.path() + " (removed)";
        case Item.Opaque opaque -> "/" + opaque.directory() + " (emptied)";
      };
    }

    @Nullable EntryMeta entry(String name) {
      return items.get(name) instanceof Item.Entry entry ? entry.meta() : null;
    }
  }

  private LayerComparison(String where, Side first, Side second) {
    this.where = where;
    this.first = first;
    this.second = second;
  }

  /**
   * @param where what the difference calls the layers
   * @param files has the blobs of both
   */
  static ImageDifference compare(String where, LayerFiles files, Layer first, Layer second)
      throws IOException {
    return new LayerComparison(where, new Side(files, first), new Side(files, second)).find();
  }

  private ImageDifference find() throws IOException {
    Set<String> names = new LinkedHashSet<>(first.items.keySet());
    names.addAll(second.items.keySet());
    ImageDifference ofTime = null;
    for (String name : names) {
      Optional<ImageDifference> found = at(name);
      if (found.isPresent() && !found.get().times()) {
        return found.get();
      }
      if (ofTime == null) {
        ofTime = found.orElse(null);
      }
    }
    return ofTime != null
        ? ofTime
        : new ImageDifference(
            where, "", List.of("the entries are the same, the archives are not"), false);
  }

  private Optional<ImageDifference> at(String name) throws IOException {
    if (!second.items.containsKey(name) || !first.items.containsKey(name)) {
      String which = second.items.containsKey(name) ? "second" : "first";
      return Optional.of(
          new ImageDifference(where, name, List.of("only the " + which + " build has it"), false));
    }
    EntryMeta one = first.entry(name);
    EntryMeta other = second.entry(name);
    if (one == null || other == null) {
      return Optional.empty();
    }
    List<String> what = attributes(one, other);
    if (one.kind() == Kind.FILE && other.kind() == Kind.FILE) {
      content(one, other).ifPresent(what::add);
    }
    boolean times = what.isEmpty();
    add(what, "time", time(one), time(other));
    return what.isEmpty()
        ? Optional.empty()
        : Optional.of(new ImageDifference(where, name, what, times));
  }

  /** What differs besides content and time. */
  private static List<String> attributes(EntryMeta one, EntryMeta other) {
    List<String> what = new ArrayList<>();
    add(what, "kind", one.kind(), other.kind());
    add(what, "mode", octal(one), octal(other));
    add(what, "owner", one.uid() + ":" + one.gid(), other.uid() + ":" + other.gid());
    add(what, "size", one.size(), other.size());
    add(what, "link", one.linkTarget(), other.linkTarget());
    add(what, "device", device(one), device(other));
    Set<String> names = new LinkedHashSet<>(one.xattrs().keySet());
    names.addAll(other.xattrs().keySet());
    for (String name : names) {
      if (!Arrays.equals(one.xattrs().get(name), other.xattrs().get(name))) {
        add(what, "attribute " + name, bytes(one.xattrs(), name), bytes(other.xattrs(), name));
      }
    }
    return what;
  }

  private static void add(
      List<String> what, String attribute, @Nullable Object one, @Nullable Object other) {
    if (!Objects.equals(one, other)) {
      what.add("%s: first build %s, second build %s".formatted(attribute, one, other));
    }
  }

  private static String octal(EntryMeta entry) {
    return "%04o".formatted(entry.mode());
  }

  private static String device(EntryMeta entry) {
    return entry.deviceMajor() + "," + entry.deviceMinor();
  }

  private static String bytes(SortedMap<String, byte[]> attributes, String name) {
    byte[] value = attributes.get(name);
    return value == null ? "none" : HexFormat.of().formatHex(value);
  }

  private static Instant time(EntryMeta entry) {
    return Instant.ofEpochSecond(entry.mtimeSeconds(), entry.mtimeNanos());
  }

  /** Where contents differ; never what they are, since keys that a step makes differ too. */
  private Optional<String> content(EntryMeta one, EntryMeta other) throws IOException {
    try (InputStream a = new BufferedInputStream(first.tree.open(one));
        InputStream b = new BufferedInputStream(second.tree.open(other))) {
      for (long at = 0; ; at++) {
        int x = a.read();
        int y = b.read();
        if (x != y) {
          return Optional.of("content: differs from byte %d on".formatted(at + 1));
        }
        if (x < 0) {
          return Optional.empty();
        }
      }
    }
  }
}
