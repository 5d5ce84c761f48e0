package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One store in several processes at once, as pods use a volume; some of them are killed. */
@Timeout(120)
class StoreProcessesTest {
  private static final Charset UTF_8 = StandardCharsets.UTF_8;
  private static final int ROUNDS = 60;
  private static final int SHARED = 7;

  @TempDir Path dir;

  @Test
  void writersLoseNothingAndTheDeadLeaveNothing() throws Exception {
    var writers = new ArrayList<Process>();
    for (int i = 0; i < 3; i++) {
      writers.add(start(Integer.toString(i), ROUNDS));
    }
    Process killed = start("killed", Integer.MAX_VALUE);
    try (var lines = killed.inputReader()) {
      assertThat(lines.lines().anyMatch("10"::equals)).isTrue();
      killed.destroyForcibly().waitFor();
    }
    for (Process writer : writers) {
      String output = new String(writer.getInputStream().readAllBytes(), UTF_8);
      assertThat(writer.waitFor()).as(output).isZero();
    }

    try (var store = LocalStore.open(dir)) {
      for (int writer = 0; writer < 3; writer++) {
        for (int round = 0; round < ROUNDS; round++) {
          String name = writer + "-" + round;
          Digest layer = Digest.parse(new String(store.getCache(name).orElseThrow(), UTF_8));
          assertThat(store.has(layer)).as(name).isTrue();
          assertThat(store.resolve(Reference.parse("x/y:" + name))).as(name).isPresent();
        }
      }
      for (Path blob : files("blobs")) {
        assertThat(Digest.ofBytes(Files.readAllBytes(blob)).hex())
            .isEqualTo(String.valueOf(blob.getFileName()));
      }
      assertThat(store.removeDamaged()).isEmpty();
      assertThat(files("tmp")).as("the lock of this store").hasSize(1);
      assertThat(store.getCache("shared")).isPresent();
    }
  }

  private Process start(String name, int rounds) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            dir.toString(),
            name,
            Integer.toString(rounds))
        .redirectErrorStream(true)
        .start();
  }

  /** Writes things of its own, things that all write, and reads them back. */
  static final class Writer {
    public static void main(String[] args) throws IOException {
      try (var store = LocalStore.open(Path.of(args[0]))) {
        for (int round = 0; round < Integer.parseInt(args[2]); round++) {
          String own = args[1] + "-" + round;
          layer(store, "of all " + round % SHARED);
          Layer layer = layer(store, own);
          store.putCache(own, layer.descriptor().digest().toString().getBytes(UTF_8));
          store.putCache("shared", own.getBytes(UTF_8));
          if (store.getCache("shared").isEmpty()) {
            throw new IOException("a record was seen half-written");
          }
          store.tag(
              Reference.parse("x/y:" + own),
              store.put(MediaTypes.OCI_MANIFEST, ("{\"" + own + "\"}").getBytes(UTF_8)));
          System.out.println(round);
        }
      }
    }

    private static Layer layer(LocalStore store, String text) throws IOException {
      byte[] bytes = text.repeat(5000).getBytes(UTF_8);
      Layer layer =
          store
              .layers()
              .write(
                  sink ->
                      sink.add(
                          EntryMeta.file("f", 0644, 0, 0, 1, bytes.length),
                          new ByteArrayInputStream(bytes)),
                  Compression.GZIP);
      store.layers().read(layer, tar -> {});
      store.layers().index(layer);
      return layer;
    }

    private Writer() {}
  }

  private List<Path> files(String below) throws IOException {
    try (Stream<Path> all = Files.walk(dir.resolve(below))) {
      return all.filter(Files::isRegularFile).toList();
    }
  }
}
