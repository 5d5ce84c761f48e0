package build.kiln.runtime.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The corpus itself; needs no Docker. */
class CorpusTest {
  private static final List<Case> CASES = Corpus.read();

  @Test
  void isLargeEnough() {
    assertThat(CASES).hasSizeGreaterThanOrEqualTo(150);
    assertThat(CASES.stream().filter(c -> c.refusedByKiln() != null))
        .hasSizeGreaterThanOrEqualTo(30);
  }

  @Test
  void namesAreUniqueAndFitForTags() {
    assertThat(CASES.stream().map(Case::name)).doesNotHaveDuplicates();
    assertThat(CASES).allSatisfy(c -> assertThat(c.name()).matches("[a-z0-9-]{1,100}"));
  }

  @Test
  void acceptedDifferencesAreInTheTable() throws IOException {
    Path page = Path.of("..", "docs", "dockerfile.md");
    Set<String> rows =
        Files.readAllLines(page).stream()
            .filter(line -> line.startsWith("| "))
            .map(line -> line.split("\\|")[1].strip())
            .collect(Collectors.toSet());
    assertThat(CASES)
        .allSatisfy(
            c -> assertThat(c.differences()).allSatisfy(d -> assertThat(rows).contains(d.row())));
  }

  /** Refusals are of both: what only one refuses is a difference. */
  @Test
  void refusalsAreOfBoth() {
    assertThat(CASES)
        .allSatisfy(
            c -> assertThat(c.refusedByKiln() == null).isEqualTo(c.refusedByBuildKit() == null));
  }
}
