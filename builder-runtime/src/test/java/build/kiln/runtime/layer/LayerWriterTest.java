package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerWriterTest {
  private static final int MIB = 1 << 20;

  /** A file whose bytes compress somewhat; the same for the same size. */
  static LayerSource oneFile(long size) {
    return sink ->
        sink.add(EntryMeta.file("data", 0644, 0, 0, 0, size), new Pattern(size, new Random(7)));
  }

  @ParameterizedTest(name = "{0} at level {1}, {2} bytes")
  @CsvSource({
    "NONE, 0, 5",
    "NONE, 0, 3000000",
    "GZIP, 0, 0",
    "GZIP, 0, 5",
    "GZIP, 0, 1047040",
    "GZIP, 0, 1047552",
    "GZIP, 0, 1048576",
    "GZIP, 0, 9000001",
    "GZIP, 1, 5",
    "GZIP, 6, 1047552",
    "GZIP, 9, 3000000",
    "ZSTD, 0, 0",
    "ZSTD, 0, 5",
    "ZSTD, 0, 2096128",
    "ZSTD, 0, 2097152",
    "ZSTD, 19, 9000001",
  })
  void bytesDoNotDependOnThreadsAndInflateToTheTar(Compression.Type type, int level, long size)
      throws Exception {
    var compression = new Compression(type, level);
    byte[] tar = Tars.write(oneFile(size));
    var one = new MemoryIngest();
    Layer layer = new LayerWriter(1).write(oneFile(size), compression, one);
    for (int threads : new int[] {2, 3, 8}) {
      var more = new MemoryIngest();
      Layer again = new LayerWriter(threads).write(oneFile(size), compression, more);
      assertThat(again).as("%s threads", threads).isEqualTo(layer);
      assertThat(more.bytes.toByteArray()).isEqualTo(one.bytes.toByteArray());
    }
    assertThat(layer.diffId()).isEqualTo(Digest.ofBytes(tar));
    assertThat(layer.descriptor())
        .isEqualTo(Descriptor.ofBytes(compression.mediaType(), one.bytes.toByteArray()));
    try (InputStream in =
        Decompression.open(new ByteArrayInputStream(one.bytes.toByteArray()), "test")) {
      assertThat(in.readAllBytes()).isEqualTo(tar);
    }
  }

  @Test
  void gzipIsOneMemberWithAFixedHeader() throws Exception {
    var blob = new MemoryIngest();
    new LayerWriter(2).write(oneFile(3 * MIB), Compression.GZIP, blob);
    byte[] bytes = blob.bytes.toByteArray();
    assertThat(bytes).startsWith(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
    // One member: all of it from one header, by a reader that would begin another on a second.
    int members = 0;
    for (int i = 0; i + 10 < bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + 10, bytes, 0, 10)) {
        members++;
      }
    }
    assertThat(members).isEqualTo(1);
    assertThat(new GZIPInputStream(new ByteArrayInputStream(bytes)).readAllBytes())
        .isEqualTo(Tars.write(oneFile(3 * MIB)));
  }

  @ParameterizedTest
  @CsvSource({"GZIP, gzip -dc", "ZSTD, zstd -dc"})
  void toolsInflateIt(Compression.Type type, String command, @TempDir Path dir) throws Exception {
    String tool = command.split(" ")[0];
    assumeTrue(Tools.has(tool), tool + " is not installed");
    var blob = new MemoryIngest();
    new LayerWriter(2).write(oneFile(5 * MIB + 7), new Compression(type, 0), blob);
    Path file = Files.write(dir.resolve("blob"), blob.bytes.toByteArray());
    byte[] out = Tools.run(dir, "sh", "-c", command + " < " + file.getFileName());
    assertThat(Digest.ofBytes(out)).isEqualTo(Digest.ofBytes(Tars.write(oneFile(5 * MIB + 7))));
  }

  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void theIndexMadeWhileWritingIsTheOneMadeByReading(Compression.Type type) throws Exception {
    var blob = new MemoryIngest();
    var written =
        new LayerWriter(2).writeIndexed(RandomTrees.layer(3), new Compression(type, 0), blob);
    try (InputStream in =
        Decompression.open(new ByteArrayInputStream(blob.bytes.toByteArray()), "test")) {
      LayerIndex read = TarReader.ofIndexedLayer(in, "test").index();
      assertThat(LayerIndexTest.describe(written.index())).isEqualTo(LayerIndexTest.describe(read));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {100, 2 * MIB, 40 * MIB})
  void aFailingSourceEndsTheWork(long before) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          var blob = new MemoryIngest();
          assertThatThrownBy(
                  () ->
                      new LayerWriter(2)
                          .write(
                              sink -> {
                                oneFile(before).writeTo(sink);
                                throw new IOException("source is gone");
                              },
                              Compression.ZSTD,
                              blob))
              .hasMessage("source is gone");
          assertThat(blob.committed).isFalse();
        });
    assertThat(pipelineThreads()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {100, 4 * MIB, 40 * MIB})
  void aFailingTargetEndsTheWork(long size) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () ->
            assertThatThrownBy(
                    () -> new LayerWriter(2).write(oneFile(size), Compression.ZSTD, new FullDisk()))
                .hasMessage("No space left on device"));
    assertThat(pipelineThreads()).isZero();
  }

  @Test
  void anInterruptEndsTheWork() throws Exception {
    var failure = new CompletableFuture<Throwable>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    new LayerWriter(1)
                        .write(
                            oneFile(1L << 40),
                            new Compression(Compression.Type.GZIP, 9),
                            new Null());
                    failure.complete(new AssertionError("it ended"));
                  } catch (Throwable e) {
                    failure.complete(e);
                  }
                });
    Awaitility.await().until(() -> pipelineThreads() > 0);
    thread.interrupt();
    assertThat(failure.get(30, TimeUnit.SECONDS)).isInstanceOf(InterruptedIOException.class);
    assertThat(pipelineThreads()).isZero();
  }

  /** A layer of 1 GiB in a Java of 48 MiB. */
  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void memoryDoesNotGrowWithTheLayer(Compression.Type type) throws Exception {
    String program = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    byte[] out =
        Tools.run(
            Path.of("."),
            program,
            "-Xmx48m",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Gibibyte.class.getName(),
            type.name());
    assertThat(new String(out, StandardCharsets.UTF_8)).contains("written sha256:");
  }

  /** The child's program. */
  static final class Gibibyte {
    public static void main(String[] args) throws IOException {
      long size = 1L << 30;
      LayerSource zeros =
          sink -> sink.add(EntryMeta.file("z", 0644, 0, 0, 0, size), new Pattern(size, null));
      var type = Compression.Type.valueOf(args[0]);
      int level = type == Compression.Type.NONE ? 0 : 1;
      Layer layer = new LayerWriter(2).write(zeros, new Compression(type, level), new Null());
      System.out.println("written " + layer.diffId());
    }

    private Gibibyte() {}
  }

  private static long pipelineThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.getName().startsWith("kiln-layer-") && t.isAlive())
        .count();
  }

  /** Bytes of which a part is random, or all zero without randomness. */
  static final class Pattern extends InputStream {
    private final byte[] chunk = new byte[64 * 1024];
    private long left;
    private int at;

    Pattern(long size, @Nullable Random random) {
      left = size;
      if (random != null) {
        for (int i = 0; i < chunk.length; i += 16) {
          chunk[i] = (byte) random.nextInt();
          chunk[i + 5] = (byte) random.nextInt(4);
        }
      }
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      if (left == 0) {
        return -1;
      }
      int n = (int) Math.min(left, Math.min(length, chunk.length - at));
      System.arraycopy(chunk, at, buffer, offset, n);
      at = (at + n) % chunk.length;
      left -= n;
      return n;
    }
  }

  private static class Null implements BlobIngest {
    private long size;

    @Override
    public OutputStream out() {
      return new OutputStream() {
        @Override
        public void write(int b) throws IOException {
          write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
          take(length);
        }
      };
    }

    void take(int length) throws IOException {
      size += length;
    }

    @Override
    public Descriptor commit(String mediaType) {
      return Descriptor.of(mediaType, Digest.ofBytes(new byte[0]), size);
    }

    @Override
    public Descriptor commit(Descriptor expected) {
      return expected;
    }

    @Override
    public void close() {}
  }

  private static final class FullDisk extends Null {
    @Override
    void take(int length) throws IOException {
      throw new IOException("No space left on device");
    }
  }
}
