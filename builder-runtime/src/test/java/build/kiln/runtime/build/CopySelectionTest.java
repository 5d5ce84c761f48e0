package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@code --parents} and {@code --exclude}; every layer here is the one that BuildKit 0.27 makes.
 */
class CopySelectionTest {
  @TempDir Path folder;
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench
        .file("a.txt", "a")
        .file("b.txt", "b")
        .file("d/one", "1")
        .file("d/sub/two", "2")
        .file("d/sub/three.md", "3")
        .file("n/a/b/k", "k")
        .file("n/a/j", "j")
        .file("n/i", "i")
        .file("n/#h", "h")
        .file("n/!q", "q");
    Path context = bench.contextFolder();
    Files.createDirectory(context.resolve("d/e"));
    Files.createSymbolicLink(context.resolve("d/lsub"), Path.of("sub"));
    Files.createSymbolicLink(context.resolve("d/lone"), Path.of("one"));
    Files.setPosixFilePermissions(
        context.resolve("d/sub"), PosixFilePermissions.fromString("rwx------"));
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private static final String[] ALL_OF_D = {
    "0755 0:0 x/d/",
    "0755 0:0 x/d/e/",
    "0777 0:0 x/d/lone -> one",
    "0777 0:0 x/d/lsub -> sub",
    "0644 0:0 x/d/one \"1\"",
    "0700 0:0 x/d/sub/",
    "0644 0:0 x/d/sub/three.md \"3\"",
    "0644 0:0 x/d/sub/two \"2\""
  };

  private static Arguments parents(String instruction, String... expected) {
    return Arguments.of(instruction, List.of(expected));
  }

  private static Arguments wholeD(String instruction) {
    return Arguments.of(
        instruction, Stream.concat(Stream.of("0755 0:0 x/"), Stream.of(ALL_OF_D)).toList());
  }

  static Stream<Arguments> withParents() {
    return Stream.of(
        parents(
            "COPY --parents a.txt d/sub/two /x/",
            "0755 0:0 x/",
            "0644 0:0 x/a.txt \"a\"",
            "0755 0:0 x/d/",
            "0700 0:0 x/d/sub/",
            "0644 0:0 x/d/sub/two \"2\""),
        parents("COPY --parents a.txt /x", "0755 0:0 x/", "0644 0:0 x/a.txt \"a\""),
        parents(
            "COPY --parents d/./sub/two /x",
            "0755 0:0 x/",
            "0700 0:0 x/sub/",
            "0644 0:0 x/sub/two \"2\""),
        parents(
            "COPY --parents d/**/two /x",
            "0755 0:0 x/",
            "0755 0:0 x/d/",
            "0700 0:0 x/d/sub/",
            "0644 0:0 x/d/sub/two \"2\""),
        parents(
            "COPY --parents **/two /x",
            "0755 0:0 x/",
            "0755 0:0 x/d/",
            "0700 0:0 x/d/sub/",
            "0644 0:0 x/d/sub/two \"2\""),
        parents(
            "COPY --parents d/s[a-z]b/t?o /x",
            "0755 0:0 x/",
            "0755 0:0 x/d/",
            "0700 0:0 x/d/sub/",
            "0644 0:0 x/d/sub/two \"2\""),
        parents(
            "COPY --parents d/lone /x", "0755 0:0 x/", "0755 0:0 x/d/", "0777 0:0 x/d/lone -> one"),
        parents("COPY --parents d/no* /x", "0755 0:0 x/"),
        // Before the pivot, links are followed and files are files.
        parents(
            "COPY --parents d/*/./two /x",
            "0755 0:0 x/",
            "0644 0:0 x/lone \"1\"",
            "0644 0:0 x/one \"1\"",
            "0644 0:0 x/two \"2\""),
        parents("COPY --parents no*/./thing /x"),
        parents("COPY --parents d/../a.txt /x", "0755 0:0 x/", "0644 0:0 x/a.txt \"a\""),
        parents("COPY --parents ./d/./sub/../one /x", "0755 0:0 x/", "0644 0:0 x/one \"1\""),
        wholeD("COPY --parents d /x"),
        wholeD("COPY --parents d/ /x"),
        wholeD("COPY --parents d/. /x"),
        wholeD("COPY --parents d/* /x"),
        wholeD("COPY --parents d* /x"),
        wholeD("COPY --parents --exclude=*.md d /x"),
        parents(
            "COPY --parents --exclude=**/*.md d/sub /x",
            "0755 0:0 x/",
            "0755 0:0 x/d/",
            "0700 0:0 x/d/sub/",
            "0644 0:0 x/d/sub/two \"2\""),
        parents(
            "COPY --parents --exclude=sub d/./* /x",
            "0755 0:0 x/",
            "0755 0:0 x/e/",
            "0777 0:0 x/lone -> one",
            "0777 0:0 x/lsub -> sub",
            "0644 0:0 x/one \"1\""),
        parents(
            "COPY --parents --chmod=711 --chown=5:6 d/sub/two /x",
            "0711 5:6 x/",
            "0711 5:6 x/d/",
            "0711 5:6 x/d/sub/",
            "0711 5:6 x/d/sub/two \"2\""),
        parents(
            "COPY --parents --chmod=u+s d/sub/two /x",
            "0755 0:0 x/",
            "4755 0:0 x/d/",
            "4700 0:0 x/d/sub/",
            "4644 0:0 x/d/sub/two \"2\""),
        // What is only on the way keeps its owner, and takes the source's mode.
        parents(
            "COPY --chown=7:8 --chmod=711 a.txt /x/d/sub/q\nCOPY --parents d/sub/two /x",
            "0711 7:8 x/",
            "0755 7:8 x/d/",
            "0700 7:8 x/d/sub/",
            "0644 0:0 x/d/sub/two \"2\""),
        parents(
            "COPY --chown=7:8 --chmod=711 a.txt /x/d/sub/q\n"
                + "COPY --parents --chmod=777 --chown=3 d/sub/two /x",
            "0711 7:8 x/",
            "0755 7:8 x/d/",
            "0700 7:8 x/d/sub/",
            "0777 3:3 x/d/sub/two \"2\""),
        parents(
            "COPY --chown=7:8 --chmod=711 a.txt /x/d/sub/q\nCOPY --parents d/sub/ /x",
            "0711 7:8 x/",
            "0755 7:8 x/d/",
            "0700 0:0 x/d/sub/",
            "0644 0:0 x/d/sub/three.md \"3\"",
            "0644 0:0 x/d/sub/two \"2\""),
        parents(
            "COPY --parents --link d/sub/two /w",
            "0755 0:0 w/",
            "0755 0:0 w/d/",
            "0700 0:0 w/d/sub/",
            "0644 0:0 w/d/sub/two \"2\""));
  }

  @ParameterizedTest
  @MethodSource("withParents")
  void directoriesOnTheWayAreKept(String instructions, List<String> expected) throws Exception {
    assertThat(bench.build("FROM scratch\n" + instructions).topLayer()).isEqualTo(expected);
    // The same from a stage.
    String fromStage = instructions.replace("COPY --parents", "COPY --from=s --parents");
    assertThat(bench.build("FROM scratch AS s\nCOPY . /\nFROM scratch\n" + fromStage).topLayer())
        .isEqualTo(expected);
  }

  static Stream<Arguments> exclusions() {
    String top = "0644 0:0 x/!q \"q\"";
    String hash = "0644 0:0 x/#h \"h\"";
    String i = "0644 0:0 x/i \"i\"";
    String x = "0755 0:0 x/";
    String a = "0755 0:0 x/a/";
    String b = "0755 0:0 x/a/b/";
    String k = "0644 0:0 x/a/b/k \"k\"";
    String j = "0644 0:0 x/a/j \"j\"";
    List<String> everything = List.of(x, top, hash, a, b, k, j, i);
    List<String> withoutA = List.of(x, top, hash, i);
    return Stream.of(
        Arguments.of("COPY --exclude=a n /x", withoutA),
        Arguments.of("ADD --exclude=a n /x", withoutA),
        Arguments.of("COPY --exclude=./a n /x", withoutA),
        Arguments.of("COPY --exclude=a/ n /x", withoutA),
        Arguments.of("COPY --exclude=/a n /x", everything),
        Arguments.of("COPY --exclude=A n /x", everything),
        Arguments.of("COPY --exclude= n /x", everything),
        Arguments.of("COPY --exclude=. n /x", everything),
        Arguments.of("COPY --exclude=n n /x", everything),
        Arguments.of("COPY --exclude=a,i n /x", everything),
        Arguments.of("ARG E=a\nCOPY --exclude=$E n /x", everything),
        Arguments.of("COPY --exclude=* n /x", List.of(x)),
        Arguments.of("COPY --exclude=** n /x", List.of(x)),
        Arguments.of("COPY --exclude=a --exclude=i n /x", List.of(x, top, hash)),
        Arguments.of("COPY --exclude=a --exclude=!a/b n /x", List.of(x, top, hash, a, b, k, i)),
        Arguments.of("COPY --exclude=a --exclude=!a/b/k n /x", List.of(x, top, hash, a, b, k, i)),
        Arguments.of("COPY --exclude=a/* --exclude=!a/b n /x", List.of(x, top, hash, a, b, k, i)),
        Arguments.of("COPY --exclude=!a/b --exclude=a n /x", withoutA),
        Arguments.of("COPY --exclude=a/../i n /x", List.of(x, top, hash, a, b, k, j)),
        Arguments.of("COPY --exclude=#h n /x", List.of(x, top, a, b, k, j, i)),
        Arguments.of("COPY --exclude=**/j --exclude=**/k n /x", List.of(x, top, hash, a, b, i)),
        // Patterns are for what is below a source, never for the source itself.
        Arguments.of("COPY --exclude=a.txt a.txt /x/", List.of(x, "0644 0:0 x/a.txt \"a\"")),
        Arguments.of(
            "COPY --exclude=*.txt *.txt /x/",
            List.of(x, "0644 0:0 x/a.txt \"a\"", "0644 0:0 x/b.txt \"b\"")),
        Arguments.of("COPY --exclude=b n/* /x/", List.of(x, top, hash, i, "0644 0:0 x/j \"j\"")),
        // What is made for an exception's sake keeps its owner where it is there already.
        Arguments.of(
            "COPY --chown=7 --chmod=711 n/i /x/a/b/q\nCOPY --exclude=a --exclude=!a/b/k n /x",
            List.of("0711 7:7 x/", top, hash, "0755 7:7 x/a/", "0755 7:7 x/a/b/", k, i)));
  }

  @ParameterizedTest
  @MethodSource("exclusions")
  void patternsLeaveOutWhatIsBelowASource(String instructions, List<String> expected)
      throws Exception {
    assertThat(bench.build("FROM scratch\n" + instructions).topLayer()).isEqualTo(expected);
  }

  @Test
  void aPatternThatCannotMatchIsWarnedOf() throws Exception {
    bench.build("FROM scratch\nCOPY --exclude=/a --exclude=b n /x");

    assertThat(bench.events.stream().filter(BuildEvent.Warning.class::isInstance))
        .singleElement()
        .asString()
        .contains("Dockerfile:2:16: the pattern \"/a\" matches nothing");
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        Arguments.of("COPY --parents d/no/thing /x", "\"/d/no/thing\" is not in", "^"),
        Arguments.of("COPY --parents no/./thing /x", "\"/no/thing\" is not in", "did you mean /n?"),
        Arguments.of("COPY --parents no/./th* /x", "\"/no\" is not in", "did you mean /n?"),
        Arguments.of("COPY --parents d/lsub/two /x", "behind a symbolic link", "/d/sub/two"),
        Arguments.of("COPY --parents d/lsub/./two /x", "behind a symbolic link", "/d/sub/two"),
        Arguments.of("COPY --parents . /x", "\".\" stands for nothing", "write \"*\""),
        Arguments.of("COPY --parents d/./ /x", "stands for nothing", "write \"d/./*\""),
        Arguments.of("COPY --parents !a.txt /x", "\"/!a.txt\" is not in", "^"),
        Arguments.of("COPY --parents [ /x", "not a pattern: \"[\"", "^"),
        Arguments.of("COPY --exclude=! n /x", "not a pattern: \"!\"", "Dockerfile:2:16:"),
        Arguments.of("COPY --exclude=a --exclude=[ n /x", "not a pattern", "Dockerfile:2:28:"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsShownWhereItStands(String instruction, String what, String hint) {
    assertThatThrownBy(() -> bench.build("FROM scratch\n" + instruction))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("Dockerfile:2:")
        .hasMessageContaining(what)
        .hasMessageContaining(hint);
  }

  @Test
  void somethingInTheWayOfAParent() {
    assertThatThrownBy(
            () -> bench.build("FROM scratch\nCOPY a.txt /x/d\nCOPY --parents d/sub/two /x"))
        .hasMessageContaining("Dockerfile:3:16")
        .hasMessageContaining("\"/x/d\", which is a file");
  }

  @Test
  void twoPivotsAndSeveralInputs() throws Exception {
    for (String path :
        List.of("a/b/c/d/foo", "a/b/c/d/e/bay", "a/b2/c/d/e/bar", "a/b/c2/d/e/baz")) {
      bench.file("t/" + path, "");
    }

    assertThat(bench.build("FROM scratch\nCOPY --parents /t/a/./b/./c /out/").topLayer())
        .contains("0644 0:0 out/b/c/d/foo \"\"")
        .noneMatch(line -> line.contains("out/a"));
    assertThat(bench.build("FROM scratch\nCOPY --parents /t/a/b*/./c/**/e /out/").topLayer())
        .contains("0644 0:0 out/c/d/e/bay \"\"", "0644 0:0 out/c/d/e/bar \"\"")
        .noneMatch(line -> line.contains("foo"));
    assertThat(
            bench
                .build("FROM scratch\nCOPY --parents /t/a/b/c*/./d/**/baz /t/a/b*/./c/**/bar /out/")
                .topLayer())
        .containsExactly(
            "0755 0:0 out/",
            "0755 0:0 out/c/",
            "0755 0:0 out/c/d/",
            "0755 0:0 out/c/d/e/",
            "0644 0:0 out/c/d/e/bar \"\"",
            "0755 0:0 out/d/",
            "0755 0:0 out/d/e/",
            "0644 0:0 out/d/e/baz \"\"");
  }

  @Test
  void theCacheKeyKnowsWhatIsSelected() throws Exception {
    assertThat(cached("COPY --exclude=i n /x")).isFalse();
    assertThat(cached("COPY --exclude=i n /x")).isTrue();
    // What is left out does not count.
    bench.file("n/i", "changed");
    assertThat(cached("COPY --exclude=i n /x")).isTrue();
    bench.file("n/a/j", "changed");
    assertThat(cached("COPY --exclude=i n /x")).isFalse();
    assertThat(cached("COPY --exclude=j n /x")).isFalse();
    assertThat(cached("COPY n /x")).isFalse();

    assertThat(cached("COPY --parents d/sub/two /x")).isFalse();
    assertThat(cached("COPY --parents d/./sub/two /x")).isFalse();
    assertThat(cached("COPY d/sub/two /x")).isFalse();
    assertThat(cached("COPY --parents d/sub/two /x")).isTrue();
    bench.file("d/one", "changed");
    assertThat(cached("COPY --parents d/sub/two /x")).isTrue();
    // The mode of a directory on the way does.
    Files.setPosixFilePermissions(
        bench.contextFolder().resolve("d"), PosixFilePermissions.fromString("rwx--x--x"));
    assertThat(cached("COPY --parents d/sub/two /x")).isFalse();
  }

  @Test
  void theCacheKeyOfACopyFromAStageKnowsWhatIsSelected() throws Exception {
    String stage = "AS s\nCOPY . /\nFROM scratch\n";
    assertThat(cached(stage + "COPY --from=s --exclude=i n /x")).isFalse();
    assertThat(cached(stage + "COPY --from=s --exclude=j n /x")).isFalse();
    assertThat(cached(stage + "COPY --from=s --parents n/i /x")).isFalse();
    assertThat(cached(stage + "COPY --from=s --exclude=i n /x")).isTrue();
    bench.file("n/i", "changed");
    // The stage is another one, but not what is copied of it.
    assertThat(cached(stage + "COPY --from=s --exclude=i n /x")).isTrue();
  }

  @Test
  void imagesAreSelectedFromToo() throws Exception {
    String debian = bench.debianLike();

    assertThat(
            bench
                .build("FROM scratch\nCOPY --parents --from=" + debian + " /usr/b*/t* /srv/ /x/")
                .topLayer())
        .containsExactly(
            "0755 0:0 x/",
            "0750 7:8 x/srv/",
            "0644 0:0 x/srv/target \"old\"",
            "0755 0:0 x/usr/",
            "0711 0:0 x/usr/bin/",
            "0644 0:0 x/usr/bin/tool \"tool\"");
    assertThat(
            bench
                .build("FROM scratch\nCOPY --exclude=pass* --from=" + debian + " /etc /x/")
                .topLayer())
        .contains("0777 0:0 x/link-to-file -> /srv/target")
        .noneMatch(line -> line.contains("passwd"));
  }

  /** Whether the last step of a build came from the cache. */
  private boolean cached(String instructions) throws Exception {
    bench.build("FROM scratch" + (instructions.startsWith("AS ") ? " " : "\n") + instructions);
    return bench.lastStepCached();
  }
}
