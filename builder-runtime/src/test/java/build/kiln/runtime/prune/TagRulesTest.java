package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.prune.PrunePolicy.KeepSemver;
import build.kiln.runtime.prune.PrunePolicy.TagRule;
import build.kiln.runtime.prune.TagRules.Tag;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tags are written NAME/DAYS, or NAME/DAYS=IMAGE where several are on one. */
class TagRulesTest {
  private static TagRule rule(
      String name, String glob, int last, @Nullable Duration younger, @Nullable KeepSemver semver) {
    return new TagRule(
        name,
        List.of(Globs.compile(glob)),
        null,
        List.of(Globs.compile("latest")),
        last,
        Optional.ofNullable(younger),
        Optional.ofNullable(semver));
  }

  private static List<Tag> tags(String text) {
    List<Tag> tags = new ArrayList<>();
    for (String each : text.split(" ", -1)) {
      String[] image = each.split("=", -1);
      String[] parts = image[0].split("/", -1);
      long number = image.length > 1 ? image[1].hashCode() : parts[0].hashCode();
      tags.add(
          Tag.of(
              parts[0],
              Cases.digest(number),
              Cases.NOW.minus(Duration.ofDays(Long.parseLong(parts[1])))));
    }
    return tags;
  }

  private static String gone(List<Tag> tags, TagRule... rules) {
    Map<String, Verdict> verdicts = new TagRules(List.of(rules), Cases.NOW).judge(tags);
    assertThat(verdicts).hasSize(tags.size());
    return String.join(
        " ",
        new TreeSet<>(
            verdicts.entrySet().stream()
                .filter(e -> e.getValue().deletes())
                .map(Map.Entry::getKey)
                .toList()));
  }

  @ParameterizedTest
  @CsvSource({
    "2, a/1 b/2 c/3 d/4, c d",
    "2, a/1=x b/2=x c/3 d/4, d",
    // Seen at one time, and nothing says which is newer.
    "2, a/5 b/5 c/5, ''",
    "2, a/5 b/5 c/5 d/1, ''",
    "2, a/5 b/5 c/5 d/1 e/2, a b c",
    // Versions can be compared.
    "2, 1.0.0/5 1.1.0/5 1.2.0/5, 1.0.0",
    "2, 1.0.0/5 1.1.0/5 1.2.0-alpine/5, ''",
    "1, v1.0.0/5 1.0.0/5 0.9.0/5, 0.9.0",
    // The time goes before the version.
    "1, 1.0.1/1 2.0.0/5, 2.0.0",
    "1, latest/9 a/1 b/2, b",
    "5, a/1 b/2, ''"
  })
  void keepLast(int count, String tags, String wanted) {
    assertThat(gone(tags(tags), rule("r", "*", count, null, null))).isEqualTo(wanted);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 1, 1.0.0 1.0.1 1.0.2 1.1.0 2.0.0, 1.0.0 1.0.1",
    "0, 1, 1, 1.0.0 1.0.1 1.1.0 2.0.0 2.1.5, 1.0.0 1.0.1 2.0.0",
    "1, 1, 2, 1.9.9 2.0.0 2.1.0 2.1.1 2.1.2, 1.9.9 2.0.0 2.1.0",
    "0, 0, 1, 1.0.0 1.0 1 stable 1.0.1 1.0.0-3, 1.0.0",
    "0, 0, 1, 1.0.10 1.0.9 1.0.0, 1.0.0 1.0.9",
    "0, 0, 1, v1.0.0 1.0.0 1.0.1, 1.0.0 v1.0.0",
    // A line of its own for each variant.
    "0, 0, 1, 1.0.0 1.0.1 1.0.0-alpine 1.0.0-rc.1-alpine 1.0.1-slim, 1.0.0 1.0.0-rc.1-alpine",
    // What is to be released next, and what was.
    "0, 0, 1, 1.0.0-rc.1 1.0.0 1.1.0-rc.1 1.1.0-rc.2 1.0.1-beta.1, 1.0.0-rc.1"
  })
  void keepSemver(int majors, int minors, int patches, String tags, String wanted) {
    String aged = String.join(" ", Stream.of(tags.split(" ", -1)).map(tag -> tag + "/90").toList());
    TagRule rule = rule("r", "*", 0, null, new KeepSemver(majors, minors, patches));

    assertThat(gone(tags(aged), rule)).isEqualTo(wanted);
  }

  @ParameterizedTest
  @CsvSource({
    // Any rule that keeps wins, in either order; what no rule matches stays.
    "pr-1/1 pr-2/2 x/99, ''",
    "pr-1/20 pr-2/30 pr-3/5, pr-1 pr-2",
    "pr-1/20 x/20, ''"
  })
  void overlappingRulesKeepWhatAnyKeeps(String tags, String wanted) {
    TagRule last = rule("first", "pr-*", 1, null, null);
    TagRule young = rule("second", "p*", 0, Duration.ofDays(10), null);

    assertThat(gone(tags(tags), last, young)).isEqualTo(wanted);
    assertThat(gone(tags(tags), young, last)).isEqualTo(wanted);
  }
}
