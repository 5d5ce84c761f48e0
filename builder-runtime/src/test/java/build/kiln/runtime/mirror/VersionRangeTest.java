package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Versions in tags, and ranges of them. */
class VersionRangeTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          >=1.25 <2        ; 1.25 1.25.0 1.99.9 v1.30.1   ; 1.24.9 2.0.0 2.0.0-rc1 1.26.0-rc1
          >=1.25, <2       ; 1.25.0                       ; 2.0.0
          ^1.4             ; 1.4.0 1.9.3                  ; 1.3.9 2.0.0 2.0.0-rc1
          ^0.3.1           ; 0.3.1 0.3.9                  ; 0.4.0 0.3.0 1.0.0
          ^0.0.3           ; 0.0.3                        ; 0.0.4
          ^0               ; 0.0.1 0.9.0                  ; 1.0.0
          ~1.4.2           ; 1.4.2 1.4.9                  ; 1.4.1 1.5.0
          ~1.4             ; 1.4.0 1.4.9                  ; 1.5.0
          ~1               ; 1.0.0 1.9.0                  ; 2.0.0
          1.x              ; 1.0.0 1.9.9                  ; 2.0.0 0.9.0
          1.2              ; 1.2.0 1.2.7                  ; 1.3.0
          1.2.*            ; 1.2.0 1.2.7                  ; 1.3.0
          =1.2.3           ; 1.2.3 v1.2.3 1.2.3+build.5   ; 1.2.4
          1.2.3 || ^3      ; 1.2.3 3.1.0                  ; 2.0.0
          >1.2             ; 1.3.0 2.0.0                  ; 1.2.9
          >1.2.3           ; 1.2.4                        ; 1.2.3
          <=1.2            ; 1.2.9 0.1.0                  ; 1.3.0
          !=1.2.3          ; 1.2.4                        ; 1.2.3
          *                ; 0.0.1 9.9.9                  ; 1.0.0-alpha
          >=1.0.0-rc.1 <2  ; 1.0.0-rc.1 1.0.0-rc.10 1.0.0 ; 1.0.0-beta 1.1.0-rc.1
          >= 24.04         ; 24.04 24.10                  ; 23.10 jammy
          """)
  void rangesHaveTheirVersions(String range, String in, String out) {
    VersionRange parsed = VersionRange.parse(range);
    assertThat(in.split(" +")).allMatch(tag -> has(parsed, tag));
    assertThat(out.split(" +")).noneMatch(tag -> has(parsed, tag));
  }

  private static boolean has(VersionRange range, String tag) {
    return Version.parse(tag).filter(range::has).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "latest", ">=", "1.2 ||", ">=1.2 and <2", "1.2.3.4", "==1"})
  void whatIsNoRangeIsRefused(String text) {
    assertThatThrownBy(() -> VersionRange.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + text + "\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"latest", "1", "20240101", "1.2.3.4", "1.2-", "v", "1.2.x", "a1.2.3"})
  void otherTagsAreNoVersions(String tag) {
    assertThat(Version.parse(tag)).isEmpty();
  }

  @Test
  void precedenceIsThatOfSemanticVersioning() {
    List<String> ordered =
        List.of(
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.2.0",
            "1.10.0");
    Stream<String> sorted =
        ordered.reversed().stream()
            .map(tag -> Version.parse(tag).orElseThrow())
            .sorted()
            .map(VersionRangeTest::text);
    assertThat(sorted).containsExactlyElementsOf(ordered);
  }

  private static String text(Version version) {
    String numbers = "%d.%d.%d".formatted(version.major(), version.minor(), version.patch());
    return version.isPrerelease()
        ? numbers + "-" + String.join(".", version.prerelease())
        : numbers;
  }
}
