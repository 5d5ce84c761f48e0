package build.kiln.operator.imagepruning;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValidationTest {
  private static Optional<String> problem(String fields) {
    ImagePrunePolicy policy =
        Serialization.unmarshal(
            "apiVersion: kiln.build/v1alpha1\nkind: ImagePrunePolicy\nmetadata: {name: p}\nspec: {"
                + fields
                + "}\n",
            ImagePrunePolicy.class);
    return Validation.problem(policy, "kiln", true);
  }

  private static String registries(String more) {
    return "registries: [{repositories: [r.io/a], " + more + "}]";
  }

  @Test
  void whatIsRightHasNoProblem() {
    assertThat(
            problem(
                registries(
                        "secretRef: {namespace: kiln, name: s}, rules: [{match: {regex: 'a.*'}, keepLast: 1}]")
                    + ", schedule: '30 2 * * *', timeZone: Europe/Zurich, protect: {tags: ['^v']}"))
        .isEmpty();
    assertThat(problem("builds: {}")).isEmpty();
    assertThat(
            problem(
                "protect: {tags: [v]}, nodes: {tolerations: [{operator: Exists}, {key: a, value: b, effect: NoExecute, tolerationSeconds: 5}]}"))
        .isEmpty();
    assertThat(problem("cache: [{repositories: [r.io/c]}]")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          dryRun: true                                            | nothing to prune
          builds: {}, schedule: '0 0 31 2 *'                      | never comes
          builds: {}, schedule: '0 0 * * *', timeZone: Mars/Base  | timeZone "Mars/Base"
          builds: {}, timeZone: UTC                               | spec.schedule, which is missing
          builds: {}, protect: {tags: ['ok', '(']}                | spec.protect.tags[1]: "("
          builds: {}, timeout: soon                               | spec.timeout
          nodes: {}, protect: {labels: [{name: a}]}               | spec.protect.labels does not go with spec.nodes
          nodes: {tolerations: [{key: a, operator: In}]}          | spec.nodes.tolerations[0]: operator is "In"
          nodes: {tolerations: [{operator: Exists}, {key: a, effect: No}]} | spec.nodes.tolerations[1]: effect is "No"
          nodes: {tolerations: [{operator: Equal, value: b}]}     | key is missing
          nodes: {tolerations: [{key: a, operator: Exists, value: b}]} | takes no value
          nodes: {tolerations: [{key: a, tolerationSeconds: 5}]}  | tolerationSeconds
          builds: 7                                               | builds
          builds: {}, podTemplate: {resources: {limits: {cpu: '-1'}}} | less than 0
          """)
  void whatIsWrongIsNamed(String fields, String message) {
    assertThat(problem(fields)).hasValueSatisfying(p -> assertThat(p).contains(message));
  }

  @Test
  void aRegexIsNamedByItsRule() {
    assertThat(
            problem(
                registries(
                    "rules: [{match: {tags: [a]}, keepLast: 1}, {match: {regex: '[a'}, keepLast: 1}]")))
        .hasValueSatisfying(
            p -> assertThat(p).startsWith("spec.registries[0].rules[1].match.regex: \"[a\""));
  }

  @Test
  void aSecretOfAnotherNamespaceIsOfNoUse() {
    assertThat(
            problem(
                registries("secretRef: {namespace: shop, name: s}, untagged: {olderThan: 24h}")))
        .hasValueSatisfying(
            p -> assertThat(p).contains("shop/s").contains("run in namespace kiln"));
    assertThat(
            problem(
                "builds: {}, report: {url: 'https://x.example', secretRef: {namespace: shop, name: s}}"))
        .isPresent();
  }
}
