package build.kiln.runtime.cli.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegistriesFileTest {
  @Test
  void theExampleOfTheDocumentationIsRead() throws IOException {
    Matcher example =
        Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("../docs/registries.md")));
    assertThat(example.find()).isTrue();
    assertThat(RegistriesFile.read("f", example.group(1).getBytes(UTF_8)))
        .isEqualTo(
            new RegistriesFile(
                Map.of("docker.io", List.of("https://mirror.example.com/hub", "registry.lan:5000")),
                List.of("registry.lan:5000"),
                Optional.of("/etc/kiln/ca"),
                List.of("/etc/kiln/certs.d")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing\n", "{}", "mirrors:\n"})
  void nothingIsSaidByNothing(String text) {
    assertThat(RegistriesFile.read("f", text.getBytes(UTF_8))).isEqualTo(RegistriesFile.EMPTY);
  }

  @ParameterizedTest
  @CsvSource({
    "'- a',                     'f:1:1: want one mapping'",
    "'insecure: [x]',           'f:1:1: no such field: insecure'",
    "'mirrors: [x]',            'f:1:10: mirrors: want a list for each upstream'",
    "'mirrors: {a: x}',         'f:1:14: want a list of texts'",
    "'insecureRegistries: [1]', 'f:1:22: want a text'",
    "'caDirectory: [x]',        'f:1:14: want a text'",
    "'a: b: c',                 'f:1:5: this is no YAML'",
  })
  void mistakesHaveTheirPlaces(String text, String message) {
    assertThatThrownBy(() -> RegistriesFile.read("f", text.getBytes(UTF_8)))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining(message);
  }
}
