package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Unpacking beside {@code tar -x} of the same layer on the same disk. Not a test. */
final class UnpackBench {
  private static final int FILES = 20_000;
  private static final int ROUNDS = 5;

  private UnpackBench() {}

  public static void main(String[] args) throws Exception {
    Path dir = Files.createTempDirectory("kiln-bench");
    try (var store = LocalStore.open(dir.resolve("store"))) {
      for (var compression : List.of(Compression.NONE, Compression.GZIP, Compression.ZSTD)) {
        Layer layer = store.layers().write(UnpackBench::smallFiles, compression);
        Path blob = store.blobPath(layer.descriptor().digest());
        List<Double> tar = new ArrayList<>();
        List<Double> lower = new ArrayList<>();
        List<Double> merged = new ArrayList<>();
        List<Double> again = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
          Path out = Files.createDirectories(dir.resolve("tar"));
          long start = System.nanoTime();
          // tar does not find out by itself that a file of this name is compressed by zstd
          String unzip =
              switch (compression.type()) {
                case NONE -> "--no-auto-compress";
                case GZIP -> "-z";
                case ZSTD -> "--zstd";
              };
          var process =
              new ProcessBuilder("tar", unzip, "-xf", blob.toString(), "-C", out.toString())
                  .inheritIO()
                  .start();
          if (process.waitFor() != 0) {
            throw new IllegalStateException("tar failed");
          }
          tar.add(since(start));
          remove(dir, "tar");
          start = System.nanoTime();
          try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("o"), true)) {
            snapshots.prepare(List.of(layer));
            lower.add(since(start));
          }
          start = System.nanoTime();
          try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("d"))) {
            var snapshot = snapshots.prepare(List.of(layer));
            merged.add(since(start));
            start = System.nanoTime();
            Layer change = store.layers().write(snapshot.changes(), Compression.NONE);
            snapshot.commit(change);
            again.add(since(start));
          }
        }
        System.out.printf(
            "%s, %d files: tar %.0f ms, overlay %.0f ms (x %.2f), directory %.0f ms (x %.2f), its"
                + " changes %.0f ms%n",
            compression.type(),
            FILES,
            median(tar),
            median(lower),
            median(lower) / median(tar),
            median(merged),
            median(merged) / median(tar),
            median(again));
      }
    } finally {
      remove(dir, "store");
      Files.delete(dir);
    }
  }

  private static void smallFiles(LayerSource.Sink sink) throws java.io.IOException {
    byte[] content = new byte[1500];
    for (int d = 0; d < FILES / 20; d++) {
      String directory = "d" + d / 50 + "/e" + d % 50;
      if (d % 50 == 0) {
        sink.add(EntryMeta.directory("d" + d / 50, 0755, 0, 0, d));
      }
      sink.add(EntryMeta.directory(directory, 0755, 0, 0, d));
      for (int f = 0; f < 20; f++) {
        content[f] = (byte) d;
        sink.add(
            EntryMeta.file(directory + "/file" + f, 0644, 0, 0, f, content.length),
            new ByteArrayInputStream(content));
      }
    }
  }

  private static double since(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  private static double median(List<Double> values) {
    Collections.sort(values);
    return values.get(values.size() / 2);
  }

  private static void remove(Path parent, String name) throws java.io.IOException {
    try (var handle = DirectoryHandle.open(parent)) {
      TreeRemover.remove(handle, name);
    }
  }
}
