package build.kiln.runtime.cache;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.layer.EntryMeta;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class FileInputsTest {
  private static void file(FileInputs inputs, String path, String content) {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    inputs.add(EntryMeta.file(path, 0644, 1, 2, 3, bytes.length), bytes, bytes, false);
  }

  private static void directory(FileInputs inputs, String path, String whole) {
    inputs.add(
        EntryMeta.directory(path, 0755, 1, 2, 3),
        new byte[0],
        whole.getBytes(StandardCharsets.UTF_8),
        true);
  }

  @Test
  void aDirectoryWhoseFilesAreListedHasNoContentOfItsOwn() {
    var inputs = new FileInputs(10);
    file(inputs, "d/a", "1");
    directory(inputs, "d", "whole");

    assertThat(inputs.byPath()).containsOnlyKeys("d", "d/a");
    assertThat(inputs.byPath().get("d")).hasToString("DIRECTORY 755 1:2 - -");
    assertThat(inputs.byPath().get("d/a")).hasToString("FILE 644 - " + Hashes.of("1") + " -");
  }

  @Test
  void whereThereAreTooManyDirectoriesStandForWhatIsBelow() {
    var inputs = new FileInputs(5);
    for (String top : new String[] {"a", "b"}) {
      for (int i = 0; i < 10; i++) {
        file(inputs, top + "/deep/" + i, "x" + i);
      }
      directory(inputs, top + "/deep", "deep of " + top);
      file(inputs, top + "/file", "y");
      directory(inputs, top, "whole of " + top);
    }

    assertThat(inputs.byPath()).containsOnlyKeys("a", "b");
    assertThat(inputs.byPath().get("a"))
        .hasToString("DIRECTORY 755 1:2 " + Hashes.of("whole of a") + " -");
    assertThat(inputs.byPath().get("b"))
        .hasToString("DIRECTORY 755 1:2 " + Hashes.of("whole of b") + " -");
  }

  @Test
  void theTopIsKeptHoweverMuchIsInIt() {
    var inputs = new FileInputs(3);
    for (int i = 0; i < 100; i++) {
      file(inputs, "f" + i, "x" + i);
    }
    directory(inputs, "", "all");

    assertThat(inputs.byPath()).containsOnlyKeys("");
    assertThat(inputs.byPath().get("")).hasToString("DIRECTORY 755 1:2 " + Hashes.of("all") + " -");
  }

  @Test
  void aFileIsReadAsItIsWritten() {
    var input = new FileInput("FILE", "644", "0:0", "abc", "-");

    assertThat(FileInput.parse(input.toString())).isEqualTo(input);
  }
}
