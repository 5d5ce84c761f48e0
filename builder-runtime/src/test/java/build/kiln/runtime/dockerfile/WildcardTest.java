package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WildcardTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      emptyValue = "",
      nullValues = "-",
      value = {
        "a.txt; a.txt; 0",
        "/a/b/; a/b; 0",
        "../../a; a; 0",
        "./a/../b; b; 0",
        ".; ''; 0",
        "/; ''; 0",
        "a/*.txt; a; 1",
        "*.txt; ''; 1",
        "a/b*/c/d?; a; 3",
        "/../*; ''; 1",
      })
  void splits(String source, String prefix, int depth) {
    Wildcard wildcard = wildcard(source);
    assertThat(wildcard.prefix()).isEqualTo(prefix);
    assertThat(wildcard.depth()).isEqualTo(depth);
    assertThat(wildcard.hasWildcards()).isEqualTo(depth > 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "*; a; true",
        "*; .hidden; true",
        "*; a/b; false",
        "**; a/b; false",
        "**/x; a/x; true",
        "**/x; a/b/x; false",
        "*.txt; a.txt; true",
        "*.txt; .txt; true",
        "*.txt; a.txt.gz; false",
        "a*b*c; axxbxxc; true",
        "a*b*c; axxcxxb; false",
        "?; a; true",
        "?; ü; true",
        "?; ab; false",
        "[abc]; b; true",
        "[a-c]x; bx; true",
        "[^a-c]x; bx; false",
        "[^a-c]x; dx; true",
        "[^a]; b; true",
        "a[^x]b*; a/b; false",
        "[[]x].txt; [x].txt; true",
        "\\**; *a; true",
        "\\**; ba; false",
        "[\\]]*; ]a; true",
        "[a\\-c]*; -; true",
        "[a\\-c]*; b; false",
        "x/*/z; x/y/z; true",
      })
  void matches(String pattern, String path, boolean expected) {
    Wildcard wildcard = wildcard(pattern);
    String prefix = wildcard.prefix();
    String relative = prefix.isEmpty() ? path : path.substring(prefix.length() + 1);
    assertThat(wildcard.matches(relative)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {"a; true", "b; false", "ax/b; false", "ax/bb; true", "ax/bb/c; false", "''; true"})
  void saysWhereToLook(String directory, boolean expected) {
    assertThat(wildcard("src/[a]*/b?/*.c").mayMatchBelow(directory)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a*[", "[]*", "*[a-", "*\\"})
  void refuses(String pattern) {
    assertThatThrownBy(() -> wildcard(pattern))
        .isInstanceOf(DockerfileException.class)
        .hasMessageContaining("not a pattern");
  }

  private static Wildcard wildcard(String text) {
    SourceFile source = SourceFile.of("Dockerfile", "COPY " + text + " /\n");
    return Wildcard.of(new Word(text, SourceRange.ofLine(source, 1)));
  }
}
