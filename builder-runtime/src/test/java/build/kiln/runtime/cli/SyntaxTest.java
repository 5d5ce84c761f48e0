package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

class SyntaxTest {
  private enum Color {
    red,
    green
  }

  /** Takes down what it is given. */
  private static final class Example implements Command {
    private final List<String> taken = new ArrayList<>();

    @Override
    public void syntax(Syntax syntax) {
      syntax
          .parameter("FIRST", "One.", text -> taken.add("first " + text))
          .optionalParameter("SECOND", "Two.", text -> taken.add("second " + text))
          .flag("-q, --quiet", "Hush.", on -> taken.add("quiet " + on))
          .option("-f, --file=FILE", "A file.", text -> taken.add("file " + text))
          .list("-l, --tag, --label=NAME=VALUE", "Labels.", all -> taken.add("label " + all))
          .choice("--color=HOW", "${COMPLETION-CANDIDATES}.", Color.class, c -> taken.add("" + c));
    }

    @Override
    public Integer call() {
      return 0;
    }
  }

  private static final class Many implements Command {
    private List<String> words = List.of();

    @Override
    public void syntax(Syntax syntax) {
      syntax
          .parameters("WORD", "Words.", all -> words = all)
          .requiredOption("--must=X", "It must.", text -> {});
    }

    @Override
    public Integer call() {
      return 0;
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a                   | first a",
        "a b                 | first a, second b",
        "a -q                | first a, quiet true",
        "-qfx a              | quiet true, file x, first a",
        "-q --quiet a        | quiet true, quiet true, first a",
        "--quiet=false a     | quiet false, first a",
        "-f x a              | file x, first a",
        "-fx a               | file x, first a",
        "-f=x a              | file x, first a",
        "--file=x a          | file x, first a",
        "--file= a           | file , first a",
        "--file x -f y a     | file x, file y, first a",
        "--color GREEN a     | green, first a",
        "-- -q -f            | first -q, second -f",
      })
  void whatIsGivenIsTaken(String words, String taken) {
    assertThat(String.join(", ", parse(words).taken)).isEqualTo(taken);
  }

  @Test
  void aListGrows() {
    assertThat(parse("a -l a=1 --label=b=2,3 --tag c").taken)
        .last()
        .isEqualTo("label [a=1, b=2,3, c]");
  }

  @Test
  void parametersAreAllThatThereAre() {
    var many = new Many();
    CommandLine line = Syntax.line("many", many);
    line.parseArgs("a", "--must", "x", "b", "", "c");
    assertThat(many.words).containsExactly("a", "b", "", "c");
    assertThatThrownBy(() -> line.parseArgs("--must=x"))
        .isInstanceOf(ParameterException.class)
        .hasMessage("Missing required parameter: 'WORD'");
    assertThatThrownBy(() -> line.parseArgs("a"))
        .isInstanceOf(ParameterException.class)
        .hasMessage("Missing required option: '--must=X'");
  }

  @Test
  void helpHasTheWordsInTheirOrder() {
    assertThat(Syntax.line("example", new Example()).getUsageMessage())
        .isEqualTo(
            """
            Usage: example [-hqV] [--color=HOW] [-f=FILE] [-l=NAME=VALUE]... FIRST [SECOND]
                  FIRST         One.
                  [SECOND]      Two.
              -q, --quiet       Hush.
              -f, --file=FILE   A file.
              -l, --tag, --label=NAME=VALUE
                                Labels.
                  --color=HOW   red, green.
              -h, --help        Show this help message and exit.
              -V, --version     Print version information and exit.
            """);
  }

  private static Example parse(String words) {
    var example = new Example();
    CommandLine line = Syntax.line("example", example).setCaseInsensitiveEnumValuesAllowed(true);
    line.setOverwrittenOptionsAllowed(true).parseArgs(words.split(" "));
    return example;
  }
}
