package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class IgnoreFileTest {
  private static final List<String> TREE =
      Stream.of(
              "!bang",
              "#hash",
              ".env",
              ".git/config",
              "README.md",
              "[x].txt",
              "a.txt",
              "a/b/c/d",
              "a/b/e",
              "b.md",
              "café.txt",
              "docs/img/logo.png",
              "docs/img/x/y.png",
              "docs/index.md",
              "foo",
              "foobar",
              "node_modules/m/index.js",
              "sp ace.txt",
              "src/a.go",
              "src/a_test.go",
              "src/sub/b.go",
              "src/sub/deep/c.go",
              "web/node_modules/n/i.js",
              "x.txt",
              "x/barfoo",
              "x/foo")
          .sorted()
          .toList();

  /** The expectations are what {@code docker buildx build} leaves out. */
  static Stream<Arguments> patterns() throws IOException {
    try (var in = IgnoreFileTest.class.getResourceAsStream("/dockerfile/ignore.tsv")) {
      assertThat(in).isNotNull();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines().filter(line -> !line.startsWith("# ")).toList().stream()
              .map(line -> line.split("\t", -1))
              .map(row -> Arguments.of(row[0].replace("\\t", "\t").replace("|", "\n"), row[1]));
    }
  }

  @ParameterizedTest
  @MethodSource("patterns")
  void leavesOut(String lines, String expected) {
    var ignored = new TreeSet<String>();
    IgnoreFile file = parse(lines);
    for (String path : TREE) {
      if (file.excludes(path)) {
        ignored.add(path);
      }
    }
    var wanted = new TreeSet<String>();
    if (expected.startsWith("all but ")) {
      wanted.addAll(TREE);
      wanted.removeAll(split(expected.substring("all but ".length())));
    } else {
      wanted.addAll(split(expected));
    }
    assertThat(ignored).isEqualTo(wanted);
  }

  @ParameterizedTest
  @MethodSource("patterns")
  void aWalkThatPrunesFindsTheSame(String lines) {
    IgnoreFile file = parse(lines);
    for (String path : TREE) {
      String[] names = path.split("/", -1);
      IgnoreFile.Scope scope = file.root();
      boolean reached = true;
      for (int i = 0; i < names.length - 1; i++) {
        scope = scope.child(names[i]);
        assertThat(file.mayContainIncluded(String.join("/", Arrays.copyOf(names, i + 1))))
            .isEqualTo(scope.mayContainIncluded());
        reached &= scope.mayContainIncluded();
      }
      boolean included = reached && !scope.child(names[names.length - 1]).excluded();
      assertThat(included).as(path).isEqualTo(!file.excludes(path));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "docs; docs; false",
        "docs; src; true",
        "*,!src/a.go; src; true",
        "*,!src/a.go; docs; false",
        "*,!src/*/b.go; src/sub; true",
        "*,!src/*/b.go; docs; false",
        "*,!**/b.go; docs/img; true",
        "docs,!docs/img; docs; true",
        "docs,!docs/img; docs/other; false",
        "docs,!docs/img,docs/img; docs/img; true",
      })
  void prunes(String lines, String directory, boolean walk) {
    assertThat(parse(lines.replace(',', '\n')).mayContainIncluded(directory)).isEqualTo(walk);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '"',
      value = {
        "[a; a [ is not closed",
        "[]a]; a character is missing before ]",
        "[a-]; a character is missing before ]",
        "[-x]; a character is missing before -",
        "x\\; nothing follows",
        "!; must be followed by a pattern",
      })
  void refuses(String line, String reason) {
    assertThatThrownBy(() -> parse("ok\n" + line + "\n"))
        .isInstanceOfSatisfying(
            DockerfileException.class,
            e -> {
              assertThat(e.problems().get(0).range()).hasToString(".dockerignore:2:1");
              assertThat(e.render()).contains("not a pattern: " + line).contains(reason);
            });
  }

  @Test
  void knowsWhatItHolds() {
    assertThat(IgnoreFile.none().isEmpty()).isTrue();
    assertThat(parse("# only a comment\n\n").isEmpty()).isTrue();
    assertThat(parse("a\n!b").hasExceptions()).isTrue();
    assertThat(parse("a\n").hasExceptions()).isFalse();
    assertThat(parse("\uFEFFa\r\nb\r\n").excludes("a")).isTrue();
    assertThat(parse("a\r\nb\r\n").excludes("b")).isTrue();
  }

  @Test
  void hostilePatternsDoNotSlowItDown() {
    IgnoreFile file = parse("**/" + "*a".repeat(200) + "/**/" + "*b".repeat(200) + "\n");
    String path = "a".repeat(2_000) + "/" + "b".repeat(2_000);
    assertThat(file.excludes(path)).isTrue();
  }

  private static IgnoreFile parse(String lines) {
    return IgnoreFile.parse(SourceFile.of(".dockerignore", lines));
  }

  private static List<String> split(String list) {
    return list.isEmpty() ? List.of() : List.of(list.split("\\|"));
  }
}
