package build.kiln.operator.chart;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.operator.check.InstallationCheck;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/kiln-operator}, with a java that only prints its arguments. */
class LauncherTest {
  @TempDir Path folder;

  @BeforeEach
  void install() throws IOException {
    copy(Path.of("src/main/dist/bin/kiln-operator"), "bin/kiln-operator");
    copy(Path.of("../builder-runtime/src/main/dist/lib/launch.sh"), "lib/launch.sh");
    Files.createFile(folder.resolve("lib/a.jar"));
    Files.createDirectories(folder.resolve("jdk/bin"));
    Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25\"\n");
    executable(
        Files.writeString(folder.resolve("jdk/bin/java"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"));
  }

  @Test
  void startsTheOperator() throws Exception {
    assertThat(run()).endsWith("-cp", folder + "/lib/a.jar", "build.kiln.operator.Main");
  }

  @Test
  void startsTheCheck() throws Exception {
    assertThat(run("check", "http://x/readyz", "kiln"))
        .endsWith(InstallationCheck.class.getName(), "http://x/readyz", "kiln");
  }

  private List<String> run(String... arguments) throws Exception {
    var command = new ArrayList<>(List.of(folder.resolve("bin/kiln-operator").toString()));
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    var process = builder.start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.lines().toList();
  }

  private void copy(Path from, String to) throws IOException {
    var target = folder.resolve(to);
    Files.createDirectories(target.getParent());
    executable(Files.copy(from, target));
  }

  private static void executable(Path file) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
