package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What RUN runs, and what it mounts. */
class RunTest {
  private static final List<String> SHELL = List.of("/bin/sh", "-c");

  @Test
  void plainCommands() {
    assertThat(command(run("RUN a  b"))).containsExactly("/bin/sh", "-c", "a  b");
    assertThat(command(run("RUN [\"a\", \"b\"]"))).containsExactly("a", "b");
  }

  @Test
  void aDocumentAloneIsTheShellsText() {
    assertThat(command(run("RUN <<-A\n\techo $X\n\t\ttrue\nA")))
        .containsExactly("/bin/sh", "-c", "echo $X\ntrue\n");
  }

  @Test
  void aDocumentWithAHashBangIsAProgram() {
    assertThat(run("RUN <<-prog\n#!/usr/bin/env python\n\tpass\nprog").script())
        .isEqualTo(
            new RunScript.Program(
                "prog", "#!/usr/bin/env python\npass\n", new CommandLine.Shell("/dev/pipes/prog")));
  }

  @Test
  void anyOtherUseIsPutBackTogether() {
    assertThat(command(run("RUN cat <<-A >/a; cat <<'B' >/b\n\tx\nA\n$y\nB")))
        .containsExactly("/bin/sh", "-c", "cat <<-A >/a; cat <<'B' >/b\n\tx\nA\n$y\nB");
    assertThat(command(run("RUN python3 <<A\nx\nA")))
        .containsExactly("/bin/sh", "-c", "python3 <<A\nx\nA");
  }

  @Test
  void readsMounts() {
    assertThat(mount("type=cache,target=/c,id=x,sharing=LOCKED,mode=0755,uid=1000,gid=0,from=b"))
        .isEqualTo(
            new Mount(
                Mount.Type.CACHE,
                "b",
                null,
                "/c",
                false,
                false,
                0,
                "x",
                Mount.Sharing.LOCKED,
                0755,
                1000L,
                0L,
                null));
    assertThat(mount("dst=/x,src=y"))
        .satisfies(
            m -> {
              assertThat(m.type()).isEqualTo(Mount.Type.BIND);
              assertThat(m.readOnly()).isTrue();
              assertThat(m.source()).isEqualTo("y");
              assertThat(m.target()).isEqualTo("/x");
            });
    assertThat(mount("target=/x,rw").readOnly()).isFalse();
    assertThat(mount("target=/x,readwrite=false").readOnly()).isTrue();
    assertThat(mount("target=/x,ro=0").readOnly()).isFalse();
    assertThat(mount("type=tmpfs,target=/x,size=1.5k").sizeLimit()).isEqualTo(1536);
    assertThat(mount("type=tmpfs,target=/x,size=2GiB").sizeLimit()).isEqualTo(2L << 30);
    assertThat(mount("required,type=secret,id=x").required()).isTrue();
    assertThat(mount("type=secret,env=TOKEN,id=x").env()).isEqualTo("TOKEN");
    assertThat(mount("'target=/a b'").target()).isEqualTo("/a b");
    assertThat(mount("\\\"target=/a,b\\\"").target()).isEqualTo("/a,b");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "type=volume,target=/x; unknown mount type",
        "type=cache,sharing=loked; did you mean locked?",
        "type=bind,sharing=locked; sharing= is not for mounts of type bind",
        "type=bind,uid=1; uid= is not for",
        "type=cache,required; required= is not for mounts of type cache",
        "type=secret; needs id=, target= or env=",
        "type=secret,id=a,source=b; not both",
        "type=secret,id=a,from=b; from= is not for mounts of type secret",
        "type=cache,mode=9; octal",
        "type=cache,uid=-1; wants a number",
        "type=cache,uid=4294967296; wants a number",
        "type=tmpfs,size=big; no size",
        "type=tmpfs,size=99999999p; no size",
        "type=bind,ro=maybe; true or false",
        "target; lacks its value",
        "typ=cache; did you mean type?",
        "type=cache,whatever=1; it takes",
      })
  void refusesMounts(String options, String message) {
    assertThatThrownBy(() -> mount(options))
        .isInstanceOf(DockerfileException.class)
        .hasMessageContaining(message);
  }

  @Test
  void mountsWithVariablesAreCheckedWhenExpanded() {
    MountOptions options = run("RUN --mount=type=$T,target=/x true").mounts().get(0);
    Instruction.Run expanded =
        Expansion.of('\\')
            .expand(run("RUN --mount=type=$T,target=/x true"), name -> Optional.of("tmpfs"));
    assertThat(expanded.mounts().get(0).resolve().type()).isEqualTo(Mount.Type.TMPFS);
    assertThatThrownBy(options::resolve).hasMessageContaining("unknown mount type: \"$T\"");
  }

  @ParameterizedTest
  @CsvSource({
    "a/b, LOCAL",
    "http://example.com/x, URL",
    "HTTPS://example.com/x.tar.gz, URL",
    "https://example.com/x.git, GIT",
    "https://example.com/x.git#v1:dir, GIT",
    "https://example.com/x.git?ref=v1, GIT",
    "https://example.com/x.git/y, URL",
    "git@example.com:a/b, GIT",
    "ssh://git@example.com/a, GIT",
    "git://example.com/a, GIT",
    "x.git, LOCAL",
    "ftp://example.com/x, LOCAL",
    "a@b, LOCAL",
  })
  void tellsSourcesOfAddApart(String source, AddSource expected) {
    assertThat(AddSource.of(source)).isEqualTo(expected);
  }

  private static Instruction.Run run(String line) {
    Dockerfile file = Dockerfile.parse("Dockerfile", "FROM x\n" + line + "\n");
    return (Instruction.Run) file.stages().get(0).instructions().get(0);
  }

  private static Mount mount(String options) {
    return run("RUN --mount=" + options + " true").mounts().get(0).resolve();
  }

  private static List<String> command(Instruction.Run run) {
    return switch (run.script()) {
      case RunScript.Command c -> c.command().arguments(SHELL);
      case RunScript.Program p -> throw new AssertionError("a program: " + p);
    };
  }
}
