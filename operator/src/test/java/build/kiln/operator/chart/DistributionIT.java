package build.kiln.operator.chart;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.dockerfile.Wildcard;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code ./mvnw package} made to be installed, and whether the images get all of it. */
class DistributionIT {
  @ParameterizedTest
  @CsvSource({"../builder-runtime, kiln", "., kiln-operator"})
  void everyFileIsCopiedIntoTheImageOnce(Path module, String name) throws IOException {
    var distribution = Path.of("target", name);
    var files = files(module, distribution);
    assertThat(files)
        .contains(distribution.resolve("bin").resolve(name).toString())
        .contains(distribution.resolve("lib/launch.sh").toString())
        .anyMatch(file -> file.matches(".*/lib/kiln-crds-[0-9].*[.]jar"))
        .anyMatch(file -> file.matches(".*/lib/picocli-[0-9].*[.]jar"))
        .noneMatch(file -> file.matches(".*(junit|assertj|awaitility|archunit|server-mock).*"));

    var patterns = copied(module);
    var ignored = IgnoreFile.parse(source(module.resolve(".dockerignore")));
    for (var file : files) {
      assertThat(patterns.stream().filter(pattern -> matches(pattern, file)))
          .as("COPY instructions for " + file)
          .hasSize(1);
      assertThat(ignored.excludes(file)).as(".dockerignore excludes " + file).isFalse();
    }
    assertThat(ignored.excludes("target/classes")).isTrue();
    assertThat(ignored.excludes("src/main/dist")).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"../builder-runtime, kiln", "., kiln-operator"})
  void theLauncherIsExecutable(Path module, String name) {
    assertThat(module.resolve("target").resolve(name).resolve("bin").resolve(name)).isExecutable();
  }

  @Test
  void theLibraryThatCompressesIsUnpackedWhereTheLauncherSaysItIs() throws IOException {
    Path distribution = Path.of("../builder-runtime/target/kiln");
    String name = "libgkl_compression.so";
    assertThat(distribution.resolve("lib").resolve(name)).isNotEmptyFile();
    assertThat(distribution.resolve("bin/kiln")).content().contains("isal=$home/lib/" + name);
  }

  /** Those made for Java 5 would be parsed and verified at each start. */
  @Test
  void noClassOfTheCommandLineIsTooOldForAnAotCache() throws IOException {
    Path libraries = Path.of("../builder-runtime/target/kiln/lib");
    try (var jars = Files.newDirectoryStream(libraries, "picocli-*.jar")) {
      try (var jar = new JarFile(jars.iterator().next().toFile())) {
        var classes = jar.stream().filter(entry -> entry.getName().endsWith(".class")).toList();
        assertThat(classes).hasSizeGreaterThan(100);
        for (var entry : classes) {
          try (var content = new DataInputStream(jar.getInputStream(entry))) {
            content.readInt();
            content.readUnsignedShort();
            assertThat(content.readUnsignedShort()).as(entry.getName()).isGreaterThanOrEqualTo(50);
          }
        }
      }
    }
  }

  private static List<String> files(Path module, Path distribution) throws IOException {
    try (var files = Files.walk(module.resolve(distribution))) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> module.relativize(file).toString())
          .toList();
    }
  }

  private static List<Wildcard> copied(Path module) throws IOException {
    var dockerfile = Dockerfile.parse(source(module.resolve("Dockerfile")));
    return dockerfile.stages().getLast().instructions().stream()
        .filter(Instruction.Copy.class::isInstance)
        .map(Instruction.Copy.class::cast)
        .flatMap(copy -> copy.sources().stream())
        .map(Wildcard::of)
        .toList();
  }

  private static boolean matches(Wildcard pattern, String file) {
    if (!pattern.hasWildcards()) {
      return file.equals(pattern.prefix());
    }
    var folder = pattern.prefix() + "/";
    return file.startsWith(folder) && pattern.matches(file.substring(folder.length()));
  }

  private static SourceFile source(Path file) throws IOException {
    return SourceFile.of(file.toString(), Files.readAllBytes(file));
  }
}
