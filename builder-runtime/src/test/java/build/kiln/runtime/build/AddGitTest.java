package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.context.GitFixture;
import build.kiln.runtime.context.GitHttpBackend;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.rootfs.ImageTree;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** ADD of Git repositories that the real git made and serves; the layers are BuildKit 0.27's. */
class AddGitTest {
  private static final long FIRST_TIME = 1_500_000_000;
  private static final long MAIN_TIME = 1_600_000_000;

  @TempDir static Path shared;
  private static GitHttpBackend server;
  private static String first;
  private static String main;
  private static String tag;

  @TempDir Path folder;
  private BuildBench bench;

  @BeforeAll
  static void repositories() throws Exception {
    assumeTrue(GitFixture.isGitHere(), "git is not installed");
    server = new GitHttpBackend(shared);
    Path inner = Files.createDirectory(shared.resolve("inner"));
    git(inner, "init", "-q", "-b", "main");
    Files.createDirectory(inner.resolve("in"));
    Files.writeString(inner.resolve("in/file"), "inner");
    commit(inner, FIRST_TIME);
    Path middle = Files.createDirectory(shared.resolve("middle"));
    git(middle, "init", "-q", "-b", "main");
    Files.writeString(middle.resolve("mid"), "middle");
    module(middle, "deep/inner", "../inner.git", inner);
    commit(middle, FIRST_TIME);
    Path work = Files.createDirectory(shared.resolve("work"));
    git(work, "init", "-q", "-b", "main");
    Files.writeString(work.resolve("one"), "one");
    first = commit(work, FIRST_TIME);
    git(work, "tag", "light");
    GitFixture.git(work, FIRST_TIME, "tag", "-a", "-m", "annotated", "v1");
    tag = git(work, "rev-parse", "v1");
    Files.createDirectories(work.resolve("dir/deep"));
    Files.writeString(work.resolve("dir/deep/d"), "d");
    Files.writeString(work.resolve("dir/f"), "f");
    assertThat(work.resolve("dir/f").toFile().setExecutable(true)).isTrue();
    Files.createSymbolicLink(work.resolve("ln"), Path.of("one"));
    main = commit(work, MAIN_TIME);
    git(work, "checkout", "-q", "-b", "modules");
    module(work, "mods/middle", "../middle.git", middle);
    commit(work, MAIN_TIME);
    git(work, "checkout", "-q", "-b", "no-url");
    git(work, "rm", "-q", "--cached", ".gitmodules");
    Files.delete(work.resolve(".gitmodules"));
    commit(work, MAIN_TIME);
    git(work, "checkout", "-q", "-f", "main");
    for (String name : List.of("inner", "middle")) {
      git(shared, "clone", "-q", "--mirror", name, name + ".git");
    }
    git(shared, "clone", "-q", "--mirror", "work", "repo.git");
  }

  private static void module(Path work, String path, String url, Path from) throws Exception {
    Files.writeString(
        work.resolve(".gitmodules"),
        "[submodule \"m\"]\n\tpath = %s\n\turl = %s\n".formatted(path, url));
    String commit = git(from, "rev-parse", "HEAD");
    git(work, "update-index", "--add", "--cacheinfo", "160000," + commit + "," + path);
  }

  private static String git(Path at, String... arguments) throws Exception {
    return GitFixture.git(at, 0, arguments);
  }

  private static String commit(Path work, long time) throws Exception {
    git(work, "add", "-A", "--ignore-removal", ".");
    GitFixture.git(work, time, "commit", "-q", "-m", "message");
    return git(work, "rev-parse", "HEAD");
  }

  @AfterAll
  static void stopServer() {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void start() throws IOException {
    server.reset();
    bench = new BuildBench(folder);
    bench.file("a.txt", "a");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private static String text(String instructions) {
    return "FROM scratch\n"
        + instructions
            .replace("REPO", server.url("/repo.git"))
            .replace("FIRST", first)
            .replace("MAIN", main)
            .replace("TAG", tag);
  }

  private static final String[] DIR = {
    "0755 0:0 x/", "0755 0:0 x/deep/", "0644 0:0 x/deep/d \"d\"", "0755 0:0 x/f \"f\""
  };
  private static final String[] ONE = {"0755 0:0 x/", "0644 0:0 x/one \"one\""};

  private static Arguments layer(String instructions, String... expected) {
    return Arguments.of(instructions, List.of(expected));
  }

  static Stream<Arguments> layers() {
    return Stream.of(
        layer(
            "ADD REPO /x",
            "0755 0:0 x/",
            "0755 0:0 x/dir/",
            "0755 0:0 x/dir/deep/",
            "0644 0:0 x/dir/deep/d \"d\"",
            "0755 0:0 x/dir/f \"f\"",
            "0777 0:0 x/ln -> one",
            "0644 0:0 x/one \"one\""),
        layer("ADD REPO#light /x", ONE),
        layer("ADD REPO#v1 /x", ONE),
        layer("ADD REPO#refs/tags/v1 /x/", ONE),
        layer("ADD REPO#FIRST /x", ONE),
        layer("ADD REPO?ref=light /x", ONE),
        layer("ADD REPO?tag=v1 /x", ONE),
        layer("ARG R=light\nADD REPO#$R /x", ONE),
        layer("ADD REPO#:dir /x", DIR),
        layer("ADD REPO#main:/dir/ /x", DIR),
        layer("ADD REPO#refs/heads/main:dir/deep/.. /x", DIR),
        layer("ADD REPO?branch=main&subdir=dir /x", DIR),
        layer("ADD --unpack --link REPO#:dir /x", DIR),
        layer("ADD --keep-git-dir REPO#:dir /x", DIR),
        layer("ADD REPO#:dir/deep /x", "0755 0:0 x/", "0644 0:0 x/d \"d\""),
        layer("ADD --exclude=deep REPO#:dir /x", "0755 0:0 x/", "0755 0:0 x/f \"f\""),
        layer("ADD --chown=5:6 --chmod=u+s REPO#:dir/deep /x", "4755 5:6 x/", "4644 5:6 x/d \"d\""),
        layer(
            "ADD --chown=5:6 --chmod=u+s REPO#:dir/deep /x/", "0755 5:6 x/", "4644 5:6 x/d \"d\""),
        layer("ADD --chmod=711 REPO#:dir/deep /x", "0711 0:0 x/", "0711 0:0 x/d \"d\""),
        layer(
            "COPY --chown=9 --chmod=700 a.txt /x/q\nADD REPO#:dir/deep /x",
            "0700 9:9 x/",
            "0644 0:0 x/d \"d\""),
        layer(
            "ADD REPO#light a.txt /x/",
            "0755 0:0 x/",
            "0644 0:0 x/a.txt \"a\"",
            "0644 0:0 x/one \"one\""),
        layer("ADD --checksum=FIRST REPO#light /x", ONE),
        layer("ADD --checksum=FIRST REPO#v1 /x", ONE),
        layer("ADD --checksum=TAG REPO#v1 /x", ONE),
        layer("ADD REPO?tag=light&checksum=FIRST /x", ONE),
        layer("ADD --checksum=FIRST REPO?tag=light&commit=FIRST /x", ONE),
        layer(
            "ADD REPO#modules:mods /x",
            "0755 0:0 x/",
            "0755 0:0 x/middle/",
            "0644 0:0 x/middle/.gitmodules \"[submodule \"m\"]\n\tpath = deep/inner\n\turl = ../inner.git\"",
            "0755 0:0 x/middle/deep/",
            "0755 0:0 x/middle/deep/inner/",
            "0755 0:0 x/middle/deep/inner/in/",
            "0644 0:0 x/middle/deep/inner/in/file \"inner\"",
            "0644 0:0 x/middle/mid \"middle\""),
        layer(
            "ADD REPO#modules:mods/middle/deep/inner/in /x",
            "0755 0:0 x/",
            "0644 0:0 x/file \"inner\""),
        layer(
            "ADD REPO?branch=modules&subdir=mods&submodules=false /x",
            "0755 0:0 x/",
            "0755 0:0 x/middle/"));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void theLayerHoldsTheCommitsFiles(String instructions, List<String> expected) throws Exception {
    assertThat(bench.build(text(instructions)).topLayer()).isEqualTo(expected);
    assertThat(server.authorizations()).isEmpty();
  }

  @Test
  void everyFileHasTheCommitsTime() throws Exception {
    var built = bench.build(text("ADD REPO#:dir /x"));

    ImageTree tree = ImageTree.of(bench.store().layers(), built.layers());
    for (String path : List.of("x", "x/deep", "x/deep/d", "x/f")) {
      assertThat(tree.lookup(path).orElseThrow().mtimeSeconds()).isEqualTo(MAIN_TIME);
    }
  }

  static Stream<Arguments> mistakes() {
    String step = "StepFailed";
    String source = "SourceNotFound";
    return Stream.of(
        Arguments.of("ADD REPO#nope /x", "no branch, tag or ref \"nope\"", "2:5", source),
        Arguments.of("ADD REPO#0123abc /x", "a commit needs all its 40 digits", "2:5", source),
        Arguments.of("ADD REPO#" + "ab".repeat(20) + " /x", "has no commit abab", "2:5", source),
        Arguments.of("ADD REPO#:nope /x", "has no folder \"nope\"", "2:5", source),
        Arguments.of("ADD REPO#:one /x", "has no folder \"one\"", "2:5", source),
        Arguments.of("ADD REPO#:../.. /x", "outside of the repository", "2:5", source),
        Arguments.of("ADD SERVER/none.git /x", "there is no such repository", "2:5", source),
        Arguments.of("ADD SERVER/private/repo.git /x", "ADD sends none", "2:5", "Unauthorized"),
        Arguments.of("ADD https://u:secret@h/x.git /x", "must not hold credentials", "2:5", source),
        Arguments.of("ADD git@h:x.git /x", "reached by ssh", "2:5", "SecretNotFound"),
        Arguments.of("ADD REPO#no-url /x", "the submodule \"mods/middle\"", "2:5", source),
        Arguments.of("ADD REPO?foo=bar /x", "unknown key \"foo\"", "2:5", "DockerfileInvalid"),
        Arguments.of("ADD REPO?brnch=b /x", "did you mean branch?", "2:5", "DockerfileInvalid"),
        Arguments.of("ADD REPO?ref= /x", "has no value for \"ref\"", "2:5", "DockerfileInvalid"),
        Arguments.of("ADD REPO?ref=a#b /x", "both \"b\" and \"a\"", "2:5", "DockerfileInvalid"),
        Arguments.of("ADD REPO?submodules=maybe /x", "true or false", "2:5", "DockerfileInvalid"),
        Arguments.of(
            "ADD --keep-git-dir REPO?keep-git-dir=0 /x", "contradict each other", "2:20", step),
        Arguments.of(
            "ADD --checksum=0000 REPO#light /x", "is the commit FIRST, not 0000", "2:16", step),
        Arguments.of("ADD --checksum=0000 REPO#v1 /x", "(tag TAG), not 0000", "2:16", step),
        Arguments.of("ADD --checksum=0000 REPO#FIRST /x", "not 0000", "2:16", step),
        Arguments.of("ADD --checksum=sha256:ab REPO /x", "is no commit", "2:16", step),
        Arguments.of(
            "ADD --checksum=00 REPO?checksum=11 /x", "contradict each other", "2:16", step),
        Arguments.of("COPY REPO /x", "use ADD", "2:6", step),
        Arguments.of("COPY a.txt /x\nADD REPO#:dir /x", "no directory but a file", "3:5", step));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsShownWhereItStands(String instruction, String what, String place, String reason) {
    String dockerfile = text(instruction).replace("SERVER", server.url(""));
    BuildException failed =
        catchThrowableOfType(BuildException.class, () -> bench.build(dockerfile));

    assertThat(failed)
        .hasMessageContaining("Dockerfile:" + place)
        .hasMessageContaining("^")
        .hasMessageContaining(what.replace("FIRST", first).replace("TAG", tag))
        .hasMessageNotContaining("git.url")
        .hasMessageNotContaining("git.secretRef");
    assertThat(failed.reason().name()).isEqualTo(reason);
  }

  @Test
  void theCommitIsTheKey() throws Exception {
    assertThat(cached("ADD REPO#light /x")).isFalse();
    server.reset();
    assertThat(cached("ADD REPO#v1 /x")).isTrue();
    // A look at the refs, and no fetch.
    assertThat(server.requests()).hasSizeBetween(1, 2);
    server.reset();
    assertThat(cached("ADD REPO#FIRST /x")).isTrue();
    assertThat(server.requests()).isEmpty();
    assertThat(cached("ADD REPO /x")).isFalse();
    assertThat(cached("ADD REPO#:dir /x")).isFalse();
    assertThat(cached("ADD --keep-git-dir REPO /x")).isFalse();
    assertThat(cached("ADD REPO?submodules=0 /x")).isFalse();
    assertThat(cached("ADD REPO /x")).isTrue();
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    bench.build(text("ADD --keep-git-dir REPO#modules /x"));
    assertThatThrownBy(() -> bench.build(text("ADD REPO#:nope /x")))
        .isInstanceOf(BuildException.class);

    Path scratch = bench.store().scratch("probe");
    try (var left = Files.list(scratch.resolve(".."))) {
      assertThat(left.map(p -> p.getFileName().toString()))
          .noneMatch(name -> name.startsWith("git"));
    }
  }

  static Stream<Arguments> kept() {
    return Stream.of(
        Arguments.of("REPO", "refs/heads/main", "main"),
        Arguments.of("REPO#light", "refs/tags/light", "light"),
        Arguments.of("REPO#v1", "refs/tags/v1", "v1"),
        Arguments.of("REPO?tag=v1&keep-git-dir=1", "refs/tags/v1", "v1"),
        Arguments.of("REPO#MAIN", "", ""),
        Arguments.of("REPO#modules", "refs/heads/modules", "modules"));
  }

  @ParameterizedTest
  @MethodSource("kept")
  void theGitDirectoryIsOneThatGitUnderstands(String repository, String ref, String name)
      throws Exception {
    var built = bench.build(text("ADD --keep-git-dir=true " + repository + " /x"));
    Path work = Files.createDirectory(folder.resolve("work"));
    extract(ImageTree.of(bench.store().layers(), built.layers()), "x", work);

    assertThat(git(work, "fsck", "--strict", "--no-progress")).doesNotContain("error", "missing");
    assertThat(git(work, "status", "--porcelain")).isEmpty();
    assertThat(git(work, "rev-list", "--count", "HEAD")).isEqualTo("1");
    if (!ref.isEmpty()) {
      assertThat(git(work, "rev-parse", "HEAD")).isEqualTo(git(work, "rev-parse", ref + "^{}"));
    }
    assertThat(git(work, "config", "remote.origin.url")).isEqualTo(server.url("/repo.git"));
    assertThat(git(work, "for-each-ref", "--format=%(refname)")).isEqualTo(ref);
    if (ref.startsWith("refs/tags/")) {
      assertThat(git(work, "describe", "--tags", "--dirty")).isEqualTo(name);
    }
    if (name.equals("v1")) {
      assertThat(git(work, "cat-file", "-t", "v1")).isEqualTo("tag");
    }
  }

  @Test
  void theGitDirectoryIsTheSameEveryTime() throws Exception {
    bench.request(r -> BuilderTest.change(r, java.util.Map.of("SOURCE_DATE_EPOCH", "1700000000")));
    String dockerfile = text("ADD --keep-git-dir REPO#modules /x");
    var built = bench.build(dockerfile);
    bench.freshStore();

    assertThat(bench.build(dockerfile).digest()).isEqualTo(built.digest());
  }

  private static void extract(FileTree tree, String from, Path to) throws IOException {
    for (EntryMeta entry : tree.children(from)) {
      Path target = to.resolve(entry.name());
      switch (entry.kind()) {
        case DIRECTORY -> extract(tree, entry.path(), Files.createDirectory(target));
        case SYMLINK ->
            Files.createSymbolicLink(target, Path.of(String.valueOf(entry.linkTarget())));
        case FILE -> {
          try (InputStream in = tree.open(entry)) {
            Files.copy(in, target);
          }
          assertThat(target.toFile().setExecutable((entry.mode() & 0100) != 0)).isTrue();
        }
        default -> throw new AssertionError("a " + entry.kind() + " at " + entry.path());
      }
    }
  }

  /** Whether the last step of a build came from the cache. */
  private boolean cached(String instruction) throws Exception {
    bench.build(text(instruction));
    return bench.lastStepCached();
  }
}
