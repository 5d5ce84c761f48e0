package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Command;

class KilnCommandTest {
  private static final List<String> NAMES =
      KilnCommand.COMMANDS.stream().map(Map.Entry::getKey).toList();

  @Test
  void everyCommandIsCalledAsItIsListed() {
    for (var command : KilnCommand.COMMANDS) {
      Command declared = command.getValue().getAnnotation(Command.class);
      assertThat(declared.name()).isEqualTo(command.getKey());
    }
  }

  @Test
  void aCommandThatIsNamedIsMadeAlone() {
    for (String name : NAMES) {
      assertThat(KilnCommand.line(name, "--help").getSubcommands()).containsKey(name);
    }
    assertThat(KilnCommand.line("build", ".").getSubcommands()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"''", "--help", "biuld", "cp", "-h"})
  void whereNoneIsNamedAllAreThere(String word) {
    assertThat(KilnCommand.line(word).getSubcommands().keySet()).containsAll(NAMES);
  }

  @Test
  void anAliasWorksAndATypoIsExplained() {
    assertThat(Captured.run("cp", "--help").out()).startsWith("Usage: kiln copy");
    Captured wrong = Captured.run("biuld");
    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.err()).contains("kiln build");
  }
}
