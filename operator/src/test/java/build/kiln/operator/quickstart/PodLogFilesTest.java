package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodLogFilesTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "a|b|c|, 0, a|b|c|", "a|b|c|, 1, c|", "a|b|c|, 2, b|c|", "a|b|c|, 3, a|b|c|",
        "a|b|c|, 9, a|b|c|",
    "a|b|c, 1, c", "a|b|c, 2, b|c", "a, 1, a", "||c|, 2, |c|", "'', 1, ''"
  })
  void givesTheLastLines(String log, int lines, String expected) throws IOException {
    var logs = new PodLogFiles(folder);
    Files.writeString(logs.file("default", "p"), log.replace('|', '\n'));
    assertThat(logs.tail("default", "p", lines)).hasValue(expected.replace('|', '\n'));
  }

  @Test
  void hasNoneOfWhatNeverRan() throws IOException {
    var logs = new PodLogFiles(folder.resolve("logs"));
    Files.writeString(folder.resolve("secret.log"), "not a pod's");
    assertThat(logs.tail("default", "p", 1)).isEmpty();
    assertThat(logs.tail("..", "secret", 1)).isEmpty();
  }
}
