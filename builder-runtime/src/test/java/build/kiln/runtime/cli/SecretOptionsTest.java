package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.build.BuildSecrets;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretOptionsTest {
  @TempDir Path folder;

  private static String value(BuildSecrets secrets, String id) throws Exception {
    return secrets
        .read(id)
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
        .orElse("(none)");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "\"id=x,src=FILE\", in a file",
        "\"id=x,source=FILE,type=file\", in a file",
        "\"type=env,id=x,src=A\", a variable",
        "\"id=x,env=A\", a variable",
        "\"id=x,type=env,env=A\", a variable",
        "id=x, variable x",
        "\"id=x,env=UNSET\", (none)",
        "\"id=x,type=env,src=UNSET\", (none)"
      })
  void asDockerHasThem(String option, String expected) throws Exception {
    Path file = Files.writeString(folder.resolve("f"), "in a file");
    var secrets =
        SecretOptions.parse(
            List.of(option.replace("FILE", file.toString())),
            Map.of("A", "a variable", "x", "variable x"));
    assertThat(value(secrets, "x")).isEqualTo(expected);
    assertThat(value(secrets, "other")).isEqualTo("(none)");
  }

  @Test
  void anIdThatIsNoVariableIsAFile() throws Exception {
    Path file = Files.writeString(folder.resolve("f"), "in a file");
    assertThat(value(SecretOptions.parse(List.of("id=" + file), Map.of()), file.toString()))
        .isEqualTo("in a file");
  }

  @Test
  void aFileIsReadWhenItIsAskedForAndNotTooLarge() throws Exception {
    Path file = Files.writeString(folder.resolve("f"), "old");
    var secrets = SecretOptions.parse(List.of("id=x,src=" + file), Map.of());
    Files.writeString(file, "new");
    assertThat(value(secrets, "x")).isEqualTo("new");
    Files.write(file, new byte[BuildSecrets.MAX_BYTES + 1]);
    assertThatThrownBy(() -> secrets.read("x")).hasMessageContaining("larger than");
    Files.delete(file);
    assertThatThrownBy(() -> secrets.read("x")).hasMessageContaining("\"x\"");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "hunter2, want id=ID",
        "src=x, no id=",
        "\"id=x,src=/no/such/file\", is not there",
        "\"id=x,src=/\", is no file",
        "\"id=x,src=/etc/passwd,env=A\", both a file and a variable",
        "\"id=x,type=vault\", type is file or env",
        "\"id=x,value=hunter2\", no option \"value\"",
        "id=nowhere, name a file with src=",
      })
  void mistakesAreSaidWithoutWhatMayBeASecret(String option, String message) {
    assertThatThrownBy(() -> SecretOptions.parse(List.of(option), Map.of()))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining(message)
        .message()
        .doesNotContain("hunter2");
  }
}
