package build.kiln.runtime.oci;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Against the same grammar as expressions, with random texts of characters that matter. */
class ReferenceGrammarTest {
  private static final int TEXTS = 200_000;
  private static final int LONGEST = 9;

  static Stream<Arguments> grammars() {
    String host = "(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:]+])";
    String part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    return Stream.of(
        Arguments.of(
            "registry",
            "agZ9.-:[]:",
            host + "(?::[0-9]{1,5})?",
            (Predicate<String>) ReferenceGrammar::isRegistry),
        Arguments.of(
            "repository",
            "aaz9._-/_-A\u00e9",
            part + "(?:/" + part + ")*",
            (Predicate<String>) ReferenceGrammar::isRepository),
        Arguments.of(
            "tag",
            "aZ9_.-:\u0660",
            "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}",
            (Predicate<String>) ReferenceGrammar::isTag));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("grammars")
  void itIsTheSame(String name, String characters, String regex, Predicate<String> grammar) {
    Pattern pattern = Pattern.compile(regex);
    var random = new Random(1);
    int good = 0;
    for (int i = 0; i < TEXTS; i++) {
      var text = new StringBuilder();
      for (int left = random.nextInt(LONGEST + 1); left > 0; left--) {
        text.append(characters.charAt(random.nextInt(characters.length())));
      }
      boolean expected = pattern.matcher(text).matches();
      good += expected ? 1 : 0;
      assertThat(grammar.test(text.toString())).as(text.toString()).isEqualTo(expected);
    }
    assertThat(good).isGreaterThan(TEXTS / 100);
  }

  static Stream<Arguments> ports() {
    return Stream.of(
        Arguments.of("a:12345", true), Arguments.of("a:123456", false), Arguments.of("a:", false));
  }

  @ParameterizedTest
  @MethodSource("ports")
  void aPortHasALongestLength(String registry, boolean good) {
    assertThat(ReferenceGrammar.isRegistry(registry)).isEqualTo(good);
  }

  static Stream<Arguments> lengths() {
    return Stream.of(
        Arguments.of("a".repeat(128), true),
        Arguments.of("a".repeat(129), false),
        Arguments.of("v1.0-rc_1", true),
        Arguments.of("", false));
  }

  @ParameterizedTest
  @MethodSource("lengths")
  void aTagHasALongestLength(String tag, boolean good) {
    assertThat(ReferenceGrammar.isTag(tag)).isEqualTo(good);
  }
}
