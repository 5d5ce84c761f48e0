package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExpansionTest {
  private static final Map<String, String> VARIABLES =
      Map.of("V", "value", "PAIR", "a b", "PORT", "80", "PORTS", "7 8/udp", "N", "");

  private static Optional<String> variable(String name) {
    return Optional.ofNullable(VARIABLES.get(name));
  }

  /** What is expanded is in capitals there: every part that may hold a variable has one. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '\0',
      value = {
        "ADD --chown=$V --chmod=7$PORT $V $PAIR /$V/ ; chmod",
        "COPY --chown=$V:$V $V/a \"$PAIR\" /$V/ ; sources: \"value/a\" @3:20-3:24, \"a b\" @3:25-3:32",
        "COPY --exclude=$V a /$V ; excludes=\"$V\"",
        "COPY [\"$V\", \"/${V}/\"] ; sources: \"value\"",
        "COPY [\"$V\", \"/${V}/\"] ; destination: \"/value/\"",
        "COPY --chown=$V a b ; chown=\"value\"",
        "ADD --checksum=$V a b ; checksum: \"value\"",
        "ENV $V=$V ; name=\"value\" @3:5-3:7, value=\"value\" @3:8-3:10",
        "ENV A $V \"x\" ; value=\"value x\"",
        "ENV V=other W=$V ; value=\"value\"",
        "LABEL \"$V\"='$V' ; name=\"value\"",
        "LABEL \"$V\"='$V' ; value=\"$V\"",
        "ARG A=$V B=$A C ; name=\"B\", defaultWord=\"value\"",
        "WORKDIR /$V/x ; path: \"/value/x\"",
        "WORKDIR \"/$PAIR\" ; path: \"/a b\"",
        "USER $V:${N:-g} ; user: \"value:g\"",
        "STOPSIGNAL ${SIG:-SIGINT} ; signal: \"SIGINT\"",
        "VOLUME /$V ; paths: \"/value\"",
        "VOLUME [\"/$V\"] ; paths: \"/value\"",
        "EXPOSE $PORT ; ports: \"80/tcp\"",
        "EXPOSE 7-9/UDP ; ports: \"7/udp\" @3:8-3:15, \"8/udp\" @3:8-3:15, \"9/udp\"",
        "EXPOSE 443 $PORT ; ports: \"80/tcp\" @3:12-3:17, \"443/tcp\"",
        "EXPOSE 127.0.0.1:8080:80/sctp [::1]:1:2 :3 ; ports: \"80/sctp\"",
        "EXPOSE 1 $PORTS ; \"7/tcp\" @3:10-3:16, \"8/udp\" @3:10-3:16",
        "RUN --mount=type=cache,target=/$V true ; key=\"target\", value=\"/value\"",
        "RUN echo $V ; echo $V",
        "RUN [\"echo\", \"$V\"] ; \"$V\"",
        "CMD $V ; $V",
        "ENTRYPOINT [\"$V\"] ; \"$V\"",
        "SHELL [\"$V\"] ; \"$V\"",
        "HEALTHCHECK CMD $V ; $V",
        "MAINTAINER $V ; $V",
        "ONBUILD RUN $V ; RUN $V",
      })
  void expandsWhatIsExpanded(String line, String part) {
    if (part.equals("chmod")) {
      assertThatThrownBy(() -> expand(line)).hasMessageContaining("no file mode: \"780\"");
      return;
    }
    assertThat(Dump.of(expand(line), "")).contains(part);
  }

  @Test
  void expandsHereDocumentsOfCopyOnly() {
    assertThat(
            Dump.of(expand("COPY <<A <<'B' <<-C /d\n\"$V\" \\$V \\n\nA\n$V\nB\n\t$V\n\tx\nC"), ""))
        .contains("body=\"\"value\" $V n\\n\"")
        .contains("body=\"$V\\n\"")
        .contains("body=\"value\\nx\\n\"");
    assertThat(Dump.of(expand("RUN <<A\n$V\nA"), "")).contains("body=\"$V\\n\"");
  }

  @Test
  void keepsTheContentOfADocumentThatWasExpandedOnce() {
    var copy = (Instruction.Copy) expand("COPY <<-A /d\n${T:-\t\tdeep}\nA");
    assertThat(copy.heredocs().get(0).content()).isEqualTo("\t\tdeep\n");
  }

  @Test
  void followsTheEscapeDirective() {
    Dockerfile file = Dockerfile.parse("Dockerfile", "# escape=`\nFROM x\nENV A=`$V\\$V\n");
    var env = file.stages().get(0).instructions().get(0);
    assertThat(Dump.of(Expansion.of('`').expand(env, ExpansionTest::variable), ""))
        .contains("value=\"$V\\\\value\"");
  }

  @Test
  void givesTheTypeItTakes() {
    Instruction.Env env = (Instruction.Env) parse("ENV A=$V");
    Instruction.Env expanded = Expansion.of('\\').expand(env, ExpansionTest::variable);
    assertThat(expanded.assignments().get(0).value().text()).isEqualTo("value");
    assertThat(expanded.original()).isEqualTo("ENV A=$V");
    assertThat(expanded.range()).isEqualTo(env.range());
  }

  @Test
  void tellsWhatIsUndefined() {
    assertThat(
            Expansion.of('\\').undefined(parse("COPY $A $V ${B:-x} /$C"), ExpansionTest::variable))
        .containsExactlyInAnyOrder("A", "B", "C");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "ENV A=1 $N=2; 3:9: ENV names can not be blank",
        "USER ${X:?who runs it}; 3:6: cannot expand \"${X:?who runs it}\": X: who runs it",
        "EXPOSE 80 $V; invalid port \"value\"",
        "EXPOSE 1:2:3; no address: 1",
        "EXPOSE 1-2:3-9; the two port ranges differ in length",
        "EXPOSE 1-2-3; no port number: 2-3",
        "EXPOSE /tcp; a port number is missing",
        "STOPSIGNAL $V; no such signal: \"value\"",
        "COPY --chmod=$V a b; no file mode: \"value\"",
      })
  void refuses(String line, String message) {
    assertThatThrownBy(() -> expand(line))
        .isInstanceOf(DockerfileException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "755, true", "0644, true", "7777, true", "0, true", "00755, true", "u=rwX, true",
    "a+x, true", "+x, true", "go-w, true", "g=u, true", "ug+rw-x, true", "8, false",
    "10000, false", "rwx, false", "u, false", "u=rwx;go=r, false", "'u+x,', false", "-5, false",
  })
  void checksModes(String mode, boolean valid) {
    var word = new Word(mode, SourceRange.ofLine(SourceFile.of("Dockerfile", mode), 1));
    if (valid) {
      assertThat(FileMode.check(word)).isEqualTo(word);
    } else {
      assertThatThrownBy(() -> FileMode.check(word)).isInstanceOf(DockerfileException.class);
    }
  }

  private static Instruction parse(String line) {
    Dockerfile file = Dockerfile.parse("Dockerfile", "# first\nFROM x\n" + line + "\n");
    return file.stages().get(0).instructions().get(0);
  }

  private static Instruction expand(String line) {
    return Expansion.of('\\').expand(parse(line), ExpansionTest::variable);
  }
}
