package build.kiln.operator.imagemirror;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What makes no sense, where no API server has refused it. */
class ValidationTest {
  private static final String SOURCE = "source: {repository: a.example.com/x}\n";
  private static final String DESTINATION = "destination: {prefix: b.example.com}\n";
  private static final String TAGS = "tags: {all: true}\n";

  @Test
  void takesWhatMakesSense() {
    assertThat(Validation.problem(MirrorCluster.mirror("m", SOURCE + DESTINATION + TAGS)))
        .isEmpty();
    assertThat(
            Validation.problem(
                MirrorCluster.mirror(
                    "m",
                    """
                    source: {registry: a.example.com, repositories: ["team/**"], secretRef: {name: a.b}}
                    destination: {prefix: b.example.com/c, secretRef: {name: b}}
                    tags: {regex: "v[0-9]+"}
                    schedule: "*/15 8-18 * * mon-fri"
                    timeZone: America/Argentina/Buenos_Aires
                    verify: {publicKeyRef: {name: keys, key: cosign.pub}}
                    """)))
        .isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          source: {}                                                 | spec.source needs
          source: {repository: a/x, registry: a, repositories: [x]}  | spec.source needs
          source: {registry: a}                                      | spec.source needs
          source: {registry: a, repositories: [x]}; destination: {repository: b/x} | destination.prefix
          source: {repository: a/x, secretRef: {name: "../x"}}       | spec.source.secretRef.name
          destination: {}                                            | spec.destination needs
          destination: {prefix: b, repository: b/x}                  | spec.destination needs
          destination: {prefix: b, secretRef: {name: "x/y"}}         | spec.destination.secretRef.name
          tags: {regex: "[a"}                                        | spec.tags.regex: "[a"
          schedule: "@often"                                         | spec.schedule "@often"
          schedule: "0 0 30 2 *"                                     | a day that never comes
          timeZone: UTC                                              | spec.timeZone is the zone of
          schedule: "@daily"; timeZone: Mars                         | spec.timeZone "Mars"
          schedule: "@daily"; interval: 1h                           | exclude each other
          interval: 1 hour                                           | spec.interval
          timeout: 1d                                                | spec.timeout
          history: {ttl: long}                                       | spec.history.ttl
          bandwidth: much                                            | spec.bandwidth
          verify: {}                                                 | spec.verify.publicKeyRef is missing
          verify: {publicKeyRef: {name: "a b"}}                      | spec.verify.publicKeyRef.name
          verify: {publicKeyRef: {name: a, key: ".."}}               | spec.verify.publicKeyRef.key
          podTemplate: {resources: {limits: {memory: -1Gi}}}         | spec.podTemplate.resources
          """)
  void namesTheFieldOfWhatMakesNone(String fields, String words) {
    Map<String, Object> spec = Serialization.unmarshal(SOURCE + DESTINATION + TAGS, Map.class);
    Map<String, Object> changes = Serialization.unmarshal(fields.replace("; ", "\n"), Map.class);
    spec.putAll(changes);
    assertThat(Validation.problem(MirrorCluster.mirror("m", Serialization.asJson(spec))))
        .hasValueSatisfying(problem -> assertThat(problem).contains(words));
  }

  @Test
  void withoutTagsThereAreDigests() {
    assertThat(Validation.problem(MirrorCluster.mirror("m", SOURCE + DESTINATION)))
        .hasValueSatisfying(problem -> assertThat(problem).contains("spec.tags is missing"));
    var digest = "sha256:" + "ab".repeat(32);
    assertThat(
            Validation.problem(
                MirrorCluster.mirror(
                    "m",
                    "source: {repository: a.example.com/x, digests: [\"%s\"]}\n".formatted(digest)
                        + DESTINATION)))
        .isEmpty();
  }
}
