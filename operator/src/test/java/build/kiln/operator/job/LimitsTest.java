package build.kiln.operator.job;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.operator.job.Limits.Entry;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LimitsTest {
  /**
   * Entries as {@code namespace/name}, oldest first; a star marks those that run. The place is of
   * the entry asked for; empty if it may start.
   */
  @ParameterizedTest(name = "{0} of {1} at {2} in all, {3} each: {4}")
  @CsvSource(
      textBlock =
          """
          a/1, a/1,                     1, 1,
          a/1, a/0* a/1,                1, 1, 1
          a/1, a/0* a/1,                2, 2,
          a/1, a/0* a/1,                2, 1, 1
          b/1, a/0* a/1 b/1,            2, 1,
          # each namespace's first comes before any namespace's second
          b/1, a/0* a/1 a/2 b/1,        1, 1, 1
          a/1, a/0* a/1 a/2 b/1,        1, 1, 2
          a/2, a/0* a/1 a/2 b/1,        1, 1, 3
          b/1, a/1 a/2 a/3 b/1,         2, 2,
          a/2, a/1 a/2 a/3 b/1,         2, 2, 1
          # a namespace at its limit does not hold up others
          b/1, a/0* a/1 a/2 b/1,        2, 1,
          a/1, a/0* a/1 a/2 b/1,        2, 1, 1
          # what runs counts, even above a limit that was lowered
          a/1, a/0* a/9* a/8* a/1,      2, 2, 1
          """)
  void places(String asked, String entries, int all, int each, @Nullable Integer place) {
    assertThat(new Limits(all, each).place(entries(entries), asked))
        .isEqualTo(Optional.ofNullable(place));
  }

  @Test
  void whoWaitsLongestIsNext() {
    assertThat(Limits.waiting(entries("a/0* a/1 b/1 a/2")))
        .extracting(Entry::uid)
        .containsExactly("b/1", "a/1", "a/2");
  }

  private static List<Entry> entries(String text) {
    var names = text.trim().split(" +");
    return Stream.iterate(0, i -> i < names.length, i -> i + 1)
        .map(
            i -> {
              var name = names[i].replace("*", "");
              return new Entry(
                  name,
                  name.split("/")[0],
                  name.split("/")[1],
                  "2026-01-01T00:00:%02dZ".formatted(i),
                  names[i].endsWith("*"));
            })
        .toList();
  }

  @Test
  void readsItsOwnNotation() {
    assertThat(entries("a/0* b/1").stream().map(Entry::runs).toList())
        .isEqualTo(Arrays.asList(true, false));
  }
}
