package build.kiln.runtime.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.registry.RealRegistry;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A layer that is larger than the memory that a builder may use; with {@code -Dkiln.heavy=true} by
 * far.
 */
@Timeout(1200)
class MemoryLimitIT {
  private static final int MIB = 1 << 20;
  private static final long LIMIT = 256L * MIB;
  private static final long SIZE = Boolean.getBoolean("kiln.heavy") ? 4096L * MIB : 400L * MIB;
  private static final Path BUSYBOX = Path.of("/bin/busybox");

  @TempDir Path folder;

  /** Half of it can be compressed. */
  private static void write(Path file, long size) throws IOException {
    byte[] block = new byte[MIB];
    Arrays.fill(block, (byte) 'x');
    var random = new Random(1);
    byte[] half = new byte[MIB / 2];
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), MIB)) {
      for (long left = size; left > 0; left -= MIB) {
        random.nextBytes(half);
        System.arraycopy(half, 0, block, 0, half.length);
        out.write(block);
      }
    }
  }

  private InstalledKiln kiln(String name) throws IOException {
    return new InstalledKiln(Files.createDirectory(folder.resolve(name)));
  }

  private static void runs(InstalledKiln kiln, String... arguments) throws Exception {
    try (MemoryLimit limit = MemoryLimit.of(LIMIT)) {
      InstalledKiln.Result result = kiln.run(limit.prefix(), arguments);
      assertThat(limit.killed()).as("processes killed").isZero();
      assertThat(result.code()).as(result.err()).isZero();
    }
    assertThat(kiln.unfinished()).isEmpty();
    kiln.assertNothingRuns();
  }

  @Test
  void aLayerThatIsLargerThanMemory() throws Exception {
    assumeTrue(Files.isExecutable(BUSYBOX), "a static /bin/busybox is needed");
    assumeTrue("root".equals(System.getProperty("user.name")), "control groups are root's");
    try (var registry =
        RealRegistry.start(
            RealRegistry.Program.DISTRIBUTION_2, folder.resolve("registry"), "", "")) {
      String image = registry.ref("large:1").toString();
      Path context = Files.createDirectory(folder.resolve("context"));
      write(context.resolve("large"), SIZE);
      Files.copy(BUSYBOX, context.resolve("sh"));
      Files.writeString(
          context.resolve("Dockerfile"),
          "FROM scratch\nCOPY --chmod=755 sh /bin/sh\nCOPY large /large\n",
          StandardCharsets.UTF_8);
      runs(kiln("build"), "build", "--push", "-t", image, context.toString());

      runs(kiln("pull"), "pull", image);

      Path step = Files.createDirectory(folder.resolve("step"));
      Files.writeString(
          step.resolve("Dockerfile"),
          """
          FROM %1$s AS made
          RUN [ -s /large ] && echo made >/made
          FROM %1$s
          COPY --from=made /large /copy
          """
              .formatted(image),
          StandardCharsets.UTF_8);
      runs(kiln("run"), "build", "--push", "-t", registry.ref("step:1") + "", step.toString());
    }
  }
}
