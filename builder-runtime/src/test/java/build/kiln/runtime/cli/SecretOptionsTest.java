package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.work.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretOptionsTest {
  private static final Map<String, String> ENVIRONMENT = Map.of("TOKEN", "s3cret");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "id=TOKEN",
        "id=x,env=TOKEN",
        "type=env,id=TOKEN",
        "id=x,type=env,src=TOKEN",
        "id=f,src=@",
        "type=file,id=f,source=@"
      })
  void takesVariablesAndFiles(String option) throws Exception {
    Path file = Files.writeString(folder.resolve("f"), "content");
    assertThatCode(
            () -> SecretOptions.parse(List.of(option.replace("@", file.toString())), ENVIRONMENT))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "src=/f | an id is missing",
        "id=x,env=NONE | has no NONE",
        "id=x,src=/nonexistent/f | cannot read the file",
        "id=x,src=a,env=b | not both",
        "id=x,typ=env | unknown field",
        "id=x,type=vault | file or env",
      })
  void refusesWhatItCannotRead(String option, String words) {
    assertThatThrownBy(() -> SecretOptions.parse(List.of(option), ENVIRONMENT))
        .isInstanceOfSatisfying(
            CommandFailure.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE))
        .hasMessageContaining(words)
        .hasMessageNotContaining("s3cret");
  }
}
