package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InputsTest {
  private static final String SPEC = "dockerfile: {inline: FROM scratch}\n";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "target: x",
        "isolation: NoRun",
        "buildArgs: [{name: A, value: b}]",
        "registrySecrets: [{name: s}]",
        "contexts: [{name: a, image: {image: x}}]",
        "contexts: [{name: a, git: {url: \"https://x/y\"}}]",
        "buildArgs: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: k}}}]",
        "secrets: [{id: a, secretRef: {name: s}}]",
        "ssh: [{id: a, secretRef: {name: s}}]",
        "source: {git: {url: \"https://x/y\"}}",
        "reproducible: {sourceDateEpoch: 1700000000}",
        "output: {image: r/x, labels: {a: b}}",
        "output: {image: r/x, tags: [b]}"
      })
  void whatDecidesTheImageIsAnInput(String more) {
    assertThat(inputs(more)).isNotEqualTo(inputs(""));
    assertThat(pod(more)).isEqualTo(pod(""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          podTemplate: {nodeSelector: {a: b}}
          workspace: {size: 1Gi}
          timeout: 2h
          retries: 0
          cache: {registry: {repository: r/cache}}
          """)
  void whatShapesThePodIsNot(String more) {
    assertThat(inputs(more)).isEqualTo(inputs(""));
    assertThat(pod(more)).isNotEqualTo(pod(""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"suspend: true", "history: {successful: 1}"})
  void whatIsAboutTheResourceIsNeither(String more) {
    assertThat(inputs(more)).isEqualTo(inputs(""));
    assertThat(pod(more)).isEqualTo(pod(""));
  }

  @Test
  void anAbsentFieldAndItsDefaultAreTheSame() {
    assertThat(inputs("isolation: Auto")).isEqualTo(inputs(""));
    assertThat(pod("timeout: 1h\nretries: 3")).isEqualTo(pod(""));
  }

  /**
   * A hash that changes with the release of Kiln builds everything anew when it is upgraded. A
   * field added later is not in it unless it is set to other than its default; so these stay as
   * they are.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          target: x                                                                                    | 18693345dc602213
          source: {git: {url: "https://x/y"}}                                                          | 30b773d918688d5c
          source: {configMap: {name: a, items: [{key: b, path: c}, {key: d, path: e, mode: 493} ]}}    | bdf4831c62615a7e
          output: {image: r/x, tags: [a, "{{run}}"], compression: {type: zstd}, labels: {a: b}}        | ad5b3b5c2ffccf5f
          reproducible: {sourceDateEpoch: commit}                                                      | e660670ef78098be
          """)
  void theHashOfASpecIsTheSameInEveryRelease(String more, String hash) {
    assertThat(inputs(more)).isEqualTo(hash);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          output: {image: r/x, tags: [latest]} | output: {image: r/x}
          output: {image: r/x, compression: {type: gzip}} | output: {image: r/x, compression: {}}
          buildArgs: [{name: A, value: ''}] | buildArgs: [{name: A}]
          source: {inline: [{path: a, content: b, mode: 420}]} | source: {inline: [{path: a, content: b}]}
          """)
  void defaultsBelowAreLeftOutToo(String written, String left) {
    assertThat(inputs(written)).isEqualTo(inputs(left));
    assertThat(Inputs.inputs(TestCluster.build("x", SPEC + written).getSpec()).toString())
        .doesNotContain("latest", "gzip", "isolation", "420", "value");
  }

  @Test
  void theOrderOfAMapsKeysDoesNotMatter() {
    assertThat(inputs("output: {image: r/x, labels: {a: b, c: d}}"))
        .isEqualTo(inputs("output: {image: r/x, labels: {c: d, a: b}}"));
  }

  @Test
  void valuesFromElsewhereAreInputsThatAreToldApartFromTheSpec() {
    var spec = TestCluster.build("x", SPEC).getSpec();
    var none = Inputs.inputsHash(spec, Map.of());
    var one = Inputs.inputsHash(spec, Map.of("A", "1", "B", "2"));
    var other = Inputs.inputsHash(spec, Map.of("B", "2", "A", "3"));
    var otherSpec = TestCluster.build("x", SPEC + "target: x").getSpec();

    assertThat(none).isEqualTo(Inputs.inputsHash(spec));
    assertThat(one)
        .isNotEqualTo(other)
        .isEqualTo(Inputs.inputsHash(spec, Map.of("B", "2", "A", "1")))
        .hasSizeLessThanOrEqualTo(128);
    assertThat(Inputs.sameSpec(one, other)).isTrue();
    assertThat(Inputs.sameSpec(none, other)).isTrue();
    assertThat(Inputs.sameSpec(one, Inputs.inputsHash(otherSpec, Map.of("A", "1")))).isFalse();
    assertThat(Inputs.sameSpec(null, one)).isFalse();
  }

  private static String inputs(String more) {
    return Inputs.inputsHash(TestCluster.build("x", SPEC + more).getSpec());
  }

  private static String pod(String more) {
    return Inputs.podHash(TestCluster.build("x", SPEC + more).getSpec());
  }
}
