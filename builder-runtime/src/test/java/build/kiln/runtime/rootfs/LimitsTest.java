package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people are told where the machine refuses. */
class LimitsTest {
  @TempDir Path dir;

  @BeforeEach
  void needsRoot() {
    Trees.assumeRoot();
  }

  /** The lines of {@link Limited}, for an overlay and for a directory. */
  private List<String> limited(List<String> before, String layer, Path store) throws Exception {
    Path work = Files.createDirectories(dir.resolve("w"));
    Path errors = dir.resolve("errors");
    var command = new ArrayList<>(before);
    command.addAll(Mounts.java(Limited.class, layer, store + "", work + ""));
    var process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output + Files.readString(errors)).isZero();
    try (var left = Files.list(work)) {
      assertThat(left).as("all is removed").isEmpty();
    }
    return output.lines().toList();
  }

  private Path store() {
    return dir.resolve("store");
  }

  @Test
  void devicesThatMayNotBeMadeAreSkippedAndCounted() throws Exception {
    assertThat(
            limited(
                List.of("setpriv", "--bounding-set=-mknod", "--inh-caps=-mknod"),
                "device",
                store()))
        .containsExactly("skipped 2 [, f, null, zero]", "skipped 2 [, etc, f]");
  }

  @Test
  void ownersThatMayNotBeSetAreNamed() throws Exception {
    var lines =
        limited(List.of("setpriv", "--bounding-set=-chown", "--inh-caps=-chown"), "owner", store());
    assertThat(lines).hasSize(2);
    assertThat(lines)
        .allSatisfy(
            line ->
                assertThat(line)
                    .startsWith("NOT_PERMITTED")
                    .contains("uid 1234", "gid 4321", "user namespace", "/etc/subuid"));
  }

  @ParameterizedTest
  @CsvSource({"large, size=6m", "many, nr_inodes=500"})
  void fullDisksAreNamed(String layer, String options) throws Exception {
    Path work = Files.createDirectories(dir.resolve("w"));
    String mount = "mount -t tmpfs -o " + options + " none " + work + " && exec \"$@\"";
    var lines =
        limited(List.of("unshare", "-m", "sh", "-c", mount, "sh"), layer, work.resolve("store"));
    assertThat(lines).hasSize(2);
    assertThat(lines)
        .allSatisfy(
            line ->
                assertThat(line)
                    .startsWith("DISK_FULL")
                    .contains(work.toString(), "larger workspace"));
  }
}
