package build.kiln.runtime.dist;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.work.ExitCode;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code bin/kiln} finds and starts Java. */
class LauncherTest {
  private static final String MAIN = "build.kiln.runtime.cli.Main";
  private static final String C1 = "-XX:TieredStopAtLevel=1";
  private static final Map<String, String> ROOT = Map.of("KILN_USERNS", "never");

  @TempDir Path folder;
  private Installed kiln;

  @BeforeEach
  void install() throws Exception {
    kiln = Installed.in(folder);
  }

  @Test
  void argumentsArriveAsTheyAre() throws Exception {
    var result = kiln.run(ROOT, "build", "--label", "a=b c", "", "*", "$HOME");
    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .containsSubsequence(MAIN, "build", "--label", "a=b c", "", "*", "$HOME")
        .endsWith("$HOME");
  }

  @Test
  void theClassPathIsInTheSameOrderEverywhere() throws Exception {
    var lib = kiln.home().resolve("lib");
    for (var locale : List.of("C", "en_US.UTF-8")) {
      assertThat(kiln.run(Map.of("LC_ALL", locale), "images").out())
          .containsSubsequence(
              "-cp", "%1$s/kiln-z.jar:%1$s/C.jar:%1$s/a.jar:%1$s/b.jar".formatted(lib), MAIN)
          .contains("locale C.UTF-8");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "images, true",
    "--version, true",
    "build --help, true",
    "--help, true",
    "tag a b, true",
    "build ., false",
    "run -f x, false",
    "push x, false",
    "copy a b, false",
    "commit x, false"
  })
  void onlyShortCommandsDoWithoutTheBetterCompiler(String line, boolean quick) throws Exception {
    assertThat(kiln.run(ROOT, line.split(" ")).out().contains(C1)).isEqualTo(quick);
  }

  @Test
  void theUsersFlagsComeAfterOurs() throws Exception {
    var environment = Map.of("KILN_USERNS", "never", "KILN_JAVA_OPTS", "-Xmx64m -Dx=y");
    assertThat(kiln.run(environment, "build", ".").out())
        .containsSubsequence("-XX:MaxRAMPercentage=25", "-Xmx64m", "-Dx=y", "-cp", MAIN);
  }

  @Test
  void theHomeIsTheEnvironments() throws Exception {
    var home = Files.createDirectory(folder.resolve("home of ann"));
    assertThat(kiln.run(Map.of("HOME", home.toString()), "images").out())
        .contains("-Duser.home=" + home);
  }

  @Test
  void aCacheIsUsedIfItIsThere() throws Exception {
    var cache = kiln.home().resolve("lib/kiln.aot");
    assertThat(kiln.run(Map.of(), "images").out()).noneMatch(flag -> flag.contains("AOTCache"));
    Files.createFile(cache);
    assertThat(kiln.run(Map.of(), "images").out()).contains("-XX:AOTCache=" + cache);
  }

  @Test
  void aCacheThatFitsNoJvmDoesNoHarm() throws Exception {
    Files.writeString(kiln.home().resolve("lib/kiln.aot"), "not a cache");
    var jvm = Map.of("JAVA_HOME", System.getProperty("java.home"));
    // The class is in none of the jars here: that the JVM says so shows that it started.
    var result = kiln.run(jvm, "images");
    assertThat(result.err()).contains(MAIN).doesNotContain("aot").doesNotContain("AOT");
    assertThat(result.out()).isEmpty();
  }

  /** The operator tells it from other ends by the code alone: the JVM leaves no word of its own. */
  @Test
  void aHeapThatIsTooSmallHasAnExitCodeOfItsOwn() throws Exception {
    kiln.withClassPath(System.getProperty("java.class.path"));
    var manifest = folder.resolve("huge.yaml");
    try (var file = new RandomAccessFile(manifest.toFile(), "rw")) {
      file.setLength(256 << 20);
    }
    var environment =
        Map.of(
            "JAVA_HOME",
            System.getProperty("java.home"),
            "KILN_USERNS",
            "never",
            "KILN_JAVA_OPTS",
            "-Xmx16m");

    var result = kiln.run(environment, "run", "-f", manifest.toString());

    assertThat(result.err()).contains("OutOfMemoryError: Java heap space");
    assertThat(result.exitCode()).isEqualTo(ExitCode.OUT_OF_MEMORY.code());
    assertThat(result.out()).isEmpty();
  }

  @Test
  void aLinkToTheLauncherWorks() throws Exception {
    var link = Files.createSymbolicLink(folder.resolve("k"), kiln.home().resolve("bin/kiln"));
    assertThat(kiln.start(List.of(link.toString(), "images"), Map.of()).out()).contains(MAIN);
  }

  @Test
  void javaOnPathIsTakenWithoutJavaHome() throws Exception {
    Files.createSymbolicLink(kiln.path().resolve("java"), folder.resolve("jdk/bin/java"));
    assertThat(kiln.run(Map.of("JAVA_HOME", ""), "images").out()).contains(MAIN);
  }

  @Test
  void aJavaWithoutAReleaseFileIsAsked() throws Exception {
    kiln.with(
        "java",
        """
        #!/bin/sh
        [ "$1" != -version ] || { echo 'openjdk version "26-ea" 2026-03-17' >&2; exit; }
        echo started
        """);
    assertThat(kiln.run(Map.of("JAVA_HOME", ""), "images").out()).containsExactly("started");
  }

  @Test
  void noJavaIsSaid() throws Exception {
    var result = kiln.run(Map.of("JAVA_HOME", ""), "images");
    assertThat(result.exitCode()).isEqualTo(ExitCode.INFRASTRUCTURE.code());
    assertThat(result.err()).startsWith("kiln: no java found: install a Java 25 or later");
  }

  @Test
  void aJavaHomeWithoutJavaIsSaid() throws Exception {
    var result = kiln.run(Map.of("JAVA_HOME", "/nowhere"), "images");
    assertThat(result.exitCode()).isEqualTo(ExitCode.INFRASTRUCTURE.code());
    assertThat(result.err()).contains("JAVA_HOME is /nowhere, and there is no bin/java in it");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.8.0_412", "17.0.12", "24"})
  void anOldJavaIsRefused(String version) throws Exception {
    kiln.withJava(folder.resolve("old"), version);
    var result = kiln.run(Map.of("JAVA_HOME", folder.resolve("old").toString()), "images");
    assertThat(result.exitCode()).isEqualTo(ExitCode.INFRASTRUCTURE.code());
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("version " + version + ": Java 25 or later is needed");
  }
}
