package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;

/** A process that may do less than its parent: prepares roots, and says how that went. */
final class Limited {
  private Limited() {}

  /**
   * @param args what the layer holds, the store's directory, the snapshots' directory
   */
  public static void main(String[] args) throws IOException {
    try (var store = LocalStore.open(Path.of(args[1]))) {
      Layer layer = store.layers().write(source(args[0]), Compression.ZSTD);
      Path directory = Path.of(args[2]);
      for (boolean overlay : new boolean[] {true, false}) {
        try (var snapshots =
            overlay
                ? Snapshots.overlay(store.layers(), directory.resolve("o"), true)
                : Snapshots.directories(store.layers(), directory.resolve("d"))) {
          prepare(snapshots, layer);
        }
      }
    }
  }

  private static void prepare(Snapshots snapshots, Layer layer) throws IOException {
    try (var snapshot = snapshots.prepare(List.of(layer))) {
      Path root =
          switch (snapshot.root()) {
            case RootSpec.Overlay overlay -> overlay.lowers().getFirst();
            case RootSpec.Directory plain -> plain.path();
          };
      System.out.println("skipped " + snapshot.skippedDevices() + " " + Trees.of(root).keySet());
    } catch (RootfsException e) {
      System.out.println(e.code() + ": " + e.getMessage());
    }
  }

  private static LayerSource source(String name) {
    return switch (name) {
      case "device" ->
          sink -> {
            var meta = EntryMeta.file("null", 0666, 0, 0, 0, 0);
            sink.add(
                new EntryMeta(
                    meta.path(),
                    Kind.CHARACTER_DEVICE,
                    0666,
                    0,
                    0,
                    0,
                    0,
                    0,
                    null,
                    1,
                    3,
                    new TreeMap<>(),
                    0));
            sink.add(meta.withPath("zero").asHardLinkTo("null"));
            UnpackTest.file(sink, "f", "x");
          };
      case "owner" -> sink -> sink.add(EntryMeta.file("f", 0644, 1234, 4321, 0, 0));
      case "large" ->
          sink -> {
            byte[] content = new byte[4 << 20];
            new java.util.Random(1).nextBytes(content);
            sink.add(
                EntryMeta.file("f", 0644, 0, 0, 0, content.length),
                new ByteArrayInputStream(content));
          };
      case "many" ->
          sink -> {
            for (int i = 0; i < 2000; i++) {
              sink.add(EntryMeta.file("f" + i, 0644, 0, 0, 0, 0));
            }
          };
      default -> throw new IllegalArgumentException(name);
    };
  }
}
