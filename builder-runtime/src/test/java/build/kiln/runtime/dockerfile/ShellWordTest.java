package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ShellWordTest {
  private static final Map<String, String> VARIABLES =
      Map.of(
          "FRUIT", "apple",
          "NONE", "",
          "PAIR", "two words",
          "LIST", "/usr/bin:/bin:/opt/bin",
          "FILE", "a.tar.gz",
          "STAR", "a*c",
          "SLASH", "a\\c",
          "UMLAUT", "süß",
          "_x1", "under");

  static Optional<String> variable(String name) {
    return Optional.ofNullable(VARIABLES.get(name));
  }

  static Stream<Arguments> words() {
    String table;
    try (var in = ShellWordTest.class.getResourceAsStream("/dockerfile/shell-words.tsv")) {
      assertThat(in).isNotNull();
      table = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return table
        .lines()
        .filter(line -> !line.startsWith("# "))
        .map(line -> line.split("\t", -1))
        .map(
            row ->
                Arguments.of(row[0].charAt(0), row[1], row[2], row.length > 3 ? row[3] : row[2]));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("words")
  void expands(char escape, String word, String expected, String expectedWords) throws Exception {
    ShellWord shell = ShellWord.with(escape);
    if (expected.startsWith("!")) {
      assertThatThrownBy(() -> shell.process(word, ShellWordTest::variable))
          .isInstanceOf(ShellWord.Failure.class)
          .hasMessageContaining(expected.substring(1));
      return;
    }
    ShellWord.Result result = shell.process(word, ShellWordTest::variable);
    assertThat(result.text()).isEqualTo(expected);
    if (!expectedWords.startsWith("|") && !word.contains("|")) {
      List<String> words =
          expectedWords.isEmpty() ? List.of() : List.of(expectedWords.split("\\|"));
      assertThat(result.words()).isEqualTo(words);
    }
  }

  @Test
  void tellsWhichNamesHaveNoValue() throws Exception {
    var result =
        ShellWord.with('\\').process("$A ${B:-x} ${FRUIT} $NONE ${C+y}", ShellWordTest::variable);
    assertThat(result.undefined()).containsExactlyInAnyOrder("A", "B", "C");
  }

  @Test
  void keepsWhatItIsToldToKeep() throws Exception {
    ShellWord keeping = ShellWord.with('\\').keepingQuotes().keepingEscapes().keepingUnset();
    String text = "'a' \"b\" c\\ d $E ${F} ${G:-h} ${I#j} ${K/l/m}";
    assertThat(keeping.process(text, ShellWord.NOTHING).text()).isEqualTo(text);
  }

  @Test
  void takesQuotesInDocumentsAsTheyAre() throws Exception {
    ShellWord document = ShellWord.with('\\').withLiteralQuotes();
    assertThat(document.process("it's \"$FRUIT\" \\$FRUIT a\\nb\n", ShellWordTest::variable).text())
        .isEqualTo("it's \"apple\" $FRUIT anb\n");
  }

  @Test
  void refusesEndlessNesting() {
    String deep = "${A:-".repeat(100_000);
    assertThatThrownBy(() -> ShellWord.with('\\').process(deep, ShellWord.NOTHING))
        .isInstanceOf(ShellWord.Failure.class)
        .hasMessageContaining("nested");
  }

  @Test
  void matchesHostilePatternsInTime() throws Exception {
    String value = "a".repeat(5_000);
    var result =
        ShellWord.with('\\').process("${V##" + "*a".repeat(50) + "b}", name -> Optional.of(value));
    assertThat(result.text()).isEqualTo(value);
  }
}
