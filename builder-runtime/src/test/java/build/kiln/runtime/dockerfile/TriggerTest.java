package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TriggerTest {

  @Test
  void comesBackAsItWasWritten() {
    Dockerfile file =
        Dockerfile.parse(
            "Dockerfile", "FROM x\nONBUILD RUN <<A\necho\nA\nonbuild  COPY  a \\\n  b\n");
    for (Instruction instruction : file.stages().get(0).instructions()) {
      var onbuild = (Instruction.Onbuild) instruction;
      Instruction read = Dockerfile.parseTrigger("ONBUILD of x", onbuild.trigger());
      assertThat(read.original()).isEqualTo(onbuild.instruction().original());
      assertThat(read.name()).isEqualTo(onbuild.instruction().name());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "FROM y; ONBUILD of x:1:1: FROM isn't allowed as an ONBUILD trigger",
        "MAINTAINER y; MAINTAINER isn't allowed",
        "ONBUILD RUN y; ONBUILD isn't allowed",
        "RNU y; did you mean RUN?",
        "RUN <<A; unterminated here-document",
        "# nothing; is one instruction, this has 0",
        "''; is one instruction, this has 0",
      })
  void refuses(String trigger, String message) {
    assertThatThrownBy(() -> Dockerfile.parseTrigger("ONBUILD of x", trigger))
        .isInstanceOf(DockerfileException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesTwoInstructions() {
    assertThatThrownBy(() -> Dockerfile.parseTrigger("ONBUILD of x", "RUN a\nRUN b"))
        .hasMessageContaining("this has 2");
  }
}
