package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KilnCommandTest {
  private static final List<String> NAMES =
      KilnCommand.COMMANDS.stream().map(Map.Entry::getKey).toList();

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

  @Test
  void everyCommandHasHelp() {
    for (String name : NAMES) {
      Captured help = Captured.run(name, "--help");
      assertThat(help.exitCode()).as(name).isZero();
      assertThat(help.out()).startsWith("Usage: kiln " + name + " [-").contains("-h, --help");
      assertThat(Captured.run(name, "-h")).isEqualTo(help);
    }
  }

  @Test
  void helpOfTheRootNamesCommandsAndExitCodes() {
    Captured help = Captured.run("--help");
    assertThat(help.exitCode()).isZero();
    assertThat(help.out())
        .startsWith("Usage: kiln [-hV] [COMMAND]\nBuilds container images without a daemon.\n")
        .contains("\n  copy, cp  Copies an image, ")
        .doesNotContain("train")
        .contains("\nExit codes:\n  0   all done\n  1   yours to mend: ")
        .endsWith("\n\nkiln COMMAND --help tells more.\n");
    assertThat(Captured.run("-h")).isEqualTo(help);
  }

  @ParameterizedTest
  @CsvSource({
    "--version",
    "-V",
    "version",
    "--version --version",
    "build --version",
    "prune plan -V"
  })
  void theVersionIsPrinted(String words) {
    assertThat(run(words)).isEqualTo(new Captured(0, Version.text() + "\n", ""));
  }

  @Test
  void helpHasOptionsAsTheyAreSaid() {
    assertThat(Captured.run("prune", "plan", "--help").out())
        .contains("Usage: kiln prune plan [-hV] [--no-in-use] -f=FILE [-o=HOW] [--state=DIR]\n")
        .containsSubsequence(
            "  -f, --file=FILE  ",
            "  -o, --output=HOW ",
            "text, json; kiln prune apply takes json.",
            "  --in-use=[CLUSTER=]FILE",
            "  --insecure-registry=HOST[:PORT]",
            "  -h, --help",
            "  -V, --version");
    assertThat(Captured.run("rmi", "--help").out())
        .containsSubsequence("-f, --force", "-h, --help", "--insecure-registry", "--store=DIR");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                            | a command is missing",
        "system                        | a command is missing: df or prune",
        "prune                         | a command is missing: plan, apply or report",
        "image                         | a command is missing: prune",
        "nope                          | Unmatched argument at index 0: 'nope'",
        "image prun                    | Unmatched argument at index 1: 'prun'",
        "build                         | Missing required parameter: 'CONTEXT'",
        "build . more                  | Unmatched argument at index 2: 'more'",
        "build . --nope                | Unknown option: '--nope'",
        "build . -qZ                   | Unknown option: '-Z' (while processing option: '-qZ')",
        "build -t                      | Missing required parameter for option '--tag' (NAME[:TAG])",
        "build --no-cache=x .          | Invalid value for option '--no-cache': 'x' is not a boolean",
        "build --isolation x .         | Invalid value for option '--isolation': expected one of [Auto, Namespaces, Chroot, NoRun] (case-insensitive) but was 'x'",
        "build -t a -t UPPER .         | kiln: -t UPPER: ",
        "build -t UPPER -t a .         | kiln: -t UPPER: ",
        "tag a                         | Missing required parameter: 'NAME[:TAG]'",
        "tag                           | Missing required parameters: 'IMAGE', 'NAME[:TAG]'",
        "tag a b c                     | Unmatched argument at index 3: 'c'",
        "rmi -f                        | Missing required parameter: 'IMAGE'",
        "run                           | Missing required option: '--file=FILE'",
        "run -f /no/file               | kiln: ",
        "run -f /no/file -f=/none      | kiln: cannot read /none: ",
        "login -upassword --password x --password-stdin | kiln: --password and --password-stdin exclude each other",
      })
  void aWrongCommandLineIsExplained(String words, String message) {
    Captured wrong = run(words);
    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.out()).isEmpty();
    assertThat(wrong.err()).startsWith(message);
  }

  private static Captured run(String words) {
    return Captured.run(words.isEmpty() ? new String[0] : words.split(" "));
  }
}
