package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionsTest {

  @ParameterizedTest
  @CsvSource({
    "RUNN, RUN",
    "RN, RUN",
    "FORM, FROM",
    "lable, LABEL",
    "EVN, ENV",
    "CDM, CMD",
    "ENTRYPONT, ENTRYPOINT",
    "HELTHCHEK, HEALTHCHECK",
    "WORKIDR, WORKDIR",
    "INCLUDE, ",
    "X, ",
    "RUN, ",
  })
  void findsTheNearest(String word, String expected) {
    assertThat(Suggestions.nearest(word, Keyword.names()).orElse(null)).isEqualTo(expected);
  }

  @Test
  void prefersTheFirstOfTwoThatAreAsNear() {
    assertThat(Suggestions.nearest("buil", List.of("built", "build"))).contains("build");
  }

  @Test
  void findsNothingAmongNothing() {
    assertThat(Suggestions.nearest("a", List.of())).isEmpty();
    assertThat(Suggestions.nearest("", List.of("a"))).isEmpty();
  }
}
