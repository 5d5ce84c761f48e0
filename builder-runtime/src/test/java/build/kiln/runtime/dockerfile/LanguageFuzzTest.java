package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Inputs that a fuzzer makes. An ordinary run takes the kept ones only: the Dockerfiles of the
 * other tests and the files in {@code LanguageFuzzTestInputs}. CONTRIBUTING.md says how to look for
 * more.
 */
class LanguageFuzzTest {
  private static final String SEEDS = "build.kiln.runtime.differential.Seeds#";

  /** The parser, the typed instructions, their expansion, and the graph of stages. */
  @MethodSource(SEEDS + "dockerfiles")
  @FuzzTest
  void dockerfile(byte[] input) throws Exception {
    Oracle.holds(() -> Uses.dockerfile(input));
  }

  /** One word with either escape character, and the forms that keep a part as it is written. */
  @MethodSource(SEEDS + "words")
  @FuzzTest
  void word(byte[] input) throws Exception {
    String text = new String(input, StandardCharsets.UTF_8);
    Oracle.holds(
        () -> {
          for (char escape : new char[] {'\\', '`'}) {
            ShellWord plain = ShellWord.with(escape);
            for (ShellWord word :
                List.of(
                    plain,
                    plain.keepingQuotes(),
                    plain.keepingEscapes(),
                    plain.keepingUnset(),
                    plain.withLiteralQuotes())) {
              process(word, text);
            }
          }
          return null;
        });
  }

  /** A word has no place: the instruction that it is in gives it one. */
  private static void process(ShellWord word, String text) {
    try {
      word.process(text, Uses::variable);
    } catch (ShellWord.Failure e) {
      assertThat(e).message().as(text).isNotBlank();
    }
  }

  @MethodSource(SEEDS + "ignoreFiles")
  @FuzzTest
  void ignoreFile(byte[] input) throws Exception {
    Oracle.holds(() -> Uses.ignoreFile(input));
  }
}
