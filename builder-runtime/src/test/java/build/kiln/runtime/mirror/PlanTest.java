package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorSpec.Tags;
import build.kiln.runtime.mirror.Repositories.Pair;
import build.kiln.runtime.oci.Digest;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wanted, without any registry. */
class PlanTest {
  private static final ObjectMapper YAML = new YAMLMapper();

  private static final List<String> TAGS =
      List.of(
          "latest",
          "edge",
          "1.9.0",
          "1.10.0",
          "1.10.1",
          "1.10.1-alpine",
          "2.0.0-rc1",
          "v2.0.0",
          "1.10",
          "sha256-" + "a".repeat(64),
          "sha256-" + "a".repeat(64) + ".sig",
          "kiln-mirror-0123456789abcdef");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {all: true}                                   | v2.0.0 2.0.0-rc1 1.10.1 1.10.1-alpine 1.10 1.10.0 1.9.0 edge latest
          {all: true, exclude: ['*-*', edge]}           | v2.0.0 1.10.1 1.10 1.10.0 1.9.0 latest
          {include: [latest, notthere]}                 | latest notthere
          {include: ['1.1?.*']}                         | 1.10.1 1.10.1-alpine 1.10.0
          {include: [e*, latest], exclude: [latest]}    | edge
          {regex: 'v?[0-9.]+'}                          | v2.0.0 1.10.1 1.10 1.10.0 1.9.0
          {semver: '>=1.10 <2'}                         | 1.10.1 1.10 1.10.0
          {latest: 1}                                   | v2.0.0
          {latest: 2}                                   | v2.0.0 1.10.1
          {latest: 1, exclude: [v2.0.0]}                | 1.10.1
          {latest: 1, include: [edge], semver: 1.9.x}   | v2.0.0 1.9.0 edge
          {latest: 2, latestBy: Created}                | 1.10 v2.0.0
          """)
  void tagsAreChosenByAnyThatIsSaid(String tags, String wanted) throws IOException {
    TagChoice choice = new TagChoice(YAML.readValue(tags, Tags.class));

    // The later in the list, the younger.
    List<String> chosen =
        choice.of(TAGS.reversed(), tag -> Instant.EPOCH.plusSeconds(TAGS.indexOf(tag)));

    if (tags.contains("Created")) {
      assertThat(chosen).containsExactlyInAnyOrder(wanted.split(" "));
    } else {
      assertThat(chosen).containsExactly(wanted.split(" "));
    }
  }

  @Test
  void namesNeedNoList() throws IOException {
    assertThat(new TagChoice(YAML.readValue("{include: [a, b]}", Tags.class)).needsList())
        .isFalse();
    assertThat(new TagChoice(YAML.readValue("{include: ['a*']}", Tags.class)).needsList()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {regex: '['}      | tags.regex is no regular expression
          {semver: newest}  | not a range of versions
          """)
  void whatIsNoExpressionIsRefused(String tags, String why) throws IOException {
    Tags parsed = YAML.readValue(tags, Tags.class);
    assertThatThrownBy(() -> new TagChoice(parsed))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {source: {repository: alpine}, destination: {prefix: r.example/mirror}}             | docker.io/library/alpine > r.example/mirror/library/alpine
          {source: {repository: ghcr.io/a/b}, destination: {repository: r.example/x}}         | ghcr.io/a/b > r.example/x
          {source: {registry: 's:5000', repositories: [b, a/c]}, destination: {prefix: 'd:1'}} | s:5000/a/c > d:1/a/c, s:5000/b > d:1/b
          {source: {registry: 's:5000', repositories: ['team/*', b]}, destination: {prefix: 'd:1'}} | s:5000/b > d:1/b, s:5000/team/x > d:1/team/x
          {source: {registry: 's:5000', repositories: ['team/**']}, destination: {prefix: 'd:1'}} | s:5000/team/x > d:1/team/x, s:5000/team/y/z > d:1/team/y/z
          """)
  void repositoriesGoWhereTheyAreSaidTo(String spec, String wanted) throws IOException {
    List<Pair> pairs =
        Repositories.of(
            YAML.readValue(spec, ImageMirrorSpec.class),
            registry -> List.of("team/x", "team/y/z", "other"));

    assertThat(pairs)
        .extracting(pair -> pair.from().name() + " > " + pair.to().name())
        .containsExactly(wanted.split(", "));
  }

  @ParameterizedTest
  @CsvSource({
    "10, 0, 20, false",
    "10, 2, 20, false",
    "10, 3, 20, true",
    "1, 1, 1, false",
    "3, 1, 20, false",
    "3, 2, 20, true",
    "5, 5, 100, false",
    "0, 0, 100, false"
  })
  void noMoreGoesThanIsSaid(int written, int gone, int percent, boolean tooMany) {
    Map<String, Digest> tags = new TreeMap<>();
    IntStream.range(0, written).forEach(i -> tags.put("t" + i, Digest.ofBytes(new byte[i])));
    Set<String> wanted = Set.copyOf(IntStream.range(gone, written).mapToObj(i -> "t" + i).toList());

    Deletions deletions = Deletions.of(tags, wanted, percent);

    assertThat(deletions.tooMany()).isEqualTo(tooMany);
    assertThat(deletions.gone()).isEqualTo(gone);
    assertThat(deletions.tags())
        .containsExactlyElementsOf(
            tooMany
                ? List.of()
                : Stream.iterate(0, i -> i < gone, i -> i + 1).map(i -> "t" + i).toList());
  }

  @Test
  void everyReasonOfACopyIsOneOfTheApi() {
    for (CopyException.Reason reason : CopyException.Reason.values()) {
      assertThat(build.kiln.api.v1alpha1.MirrorFailureReason.valueOf(reason.name()).retryable())
          .isEqualTo(new CopyException(reason, "").retryable());
    }
  }
}
