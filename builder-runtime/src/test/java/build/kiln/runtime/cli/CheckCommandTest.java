package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckCommandTest {
  @TempDir Path folder;

  private Captured run(String command, String dockerfile, String... options) throws IOException {
    Files.writeString(folder.resolve("Dockerfile"), dockerfile);
    var arguments = new ArrayList<>(List.of(command, "--store", folder.resolve("s").toString()));
    arguments.addAll(List.of(options));
    arguments.add(folder.toString());
    return Captured.run(arguments.toArray(String[]::new));
  }

  @Test
  void showsTheLineAndWhatToDo() throws IOException {
    Captured checked = run("check", "FROM scratch\nCMD a\n");

    assertThat(checked.exitCode()).isEqualTo(1);
    assertThat(checked.out())
        .startsWith("Dockerfile:2:1: JSONArgsRecommended: ")
        .contains("(write it as a JSON array: ", "  2 | CMD a\n    | ^^^^^\n")
        .endsWith("1 warning.\n");
  }

  @Test
  void nothingFoundIsSuccess() throws IOException {
    Captured checked = run("check", "FROM scratch\nCMD [\"a\"]\n");
    assertThat(checked.exitCode()).as(checked.err()).isZero();
    assertThat(checked.out()).isEqualTo("No warnings.\n");
  }

  @Test
  void printsJson() throws IOException {
    Captured checked = run("check", "FROM scratch\nMAINTAINER a\n", "--format", "json");

    JsonNode warnings = new ObjectMapper().readTree(checked.out()).get("warnings");
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0).get("ruleName").asText()).isEqualTo("MaintainerDeprecated");
    assertThat(warnings.get(0).get("line").asInt()).isEqualTo(2);
    assertThat(warnings.get(0).get("fix").asText()).contains("LABEL");
  }

  /** 127.0.0.1:1 answers nobody. */
  @Test
  void aBaseThatCannotBeLookedAtIsSaid() throws IOException {
    Captured checked = run("check", "FROM 127.0.0.1:1/x:1\nCOPY a $b/\nMAINTAINER a\n");

    assertThat(checked.out()).contains("MaintainerDeprecated").doesNotContain("UndefinedVar");
    assertThat(checked.err()).contains("Dockerfile:1:6: variables of the stage are not checked");
  }

  @Test
  void aDockerfileThatDoesNotParseIsAnError() throws IOException {
    Captured checked = run("check", "FROM scratch\nCOPPY a b\n");
    assertThat(checked.exitCode()).isEqualTo(1);
    assertThat(checked.err()).contains("Dockerfile:2:1", "did you mean COPY?");
  }

  @Test
  void aBuildWarnsOrFailsAsTheDirectiveSays() throws IOException {
    String text = "FROM scratch\nMAINTAINER a\n";
    Captured warned = run("build", text, "--progress=plain");
    assertThat(warned.exitCode()).as(warned.err()).isZero();
    assertThat(warned.err()).contains("WARN: Dockerfile:2:1: MaintainerDeprecated: ");

    Captured failed = run("build", "# check=error=true\n" + text, "--progress=plain");
    assertThat(failed.exitCode()).isEqualTo(1);
    assertThat(failed.err()).contains("Dockerfile:3:1: MaintainerDeprecated", "error=true");

    Captured skipped = run("build", "# check=error=true;skip=all\n" + text, "--progress=plain");
    assertThat(skipped.exitCode()).as(skipped.err()).isZero();
  }
}
