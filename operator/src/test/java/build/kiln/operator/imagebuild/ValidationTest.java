package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What gets past an API server without the schema's rules is refused before it is used. */
class ValidationTest {
  private static final String DOCKERFILE = "dockerfile: {inline: FROM scratch}\n";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          source: {configMap: {name: Foo Bar}}                             | source.configMap.name
          source: {configMap: {name: ../secrets/x}}                        | source.configMap.name
          source: {configMap: {name: ''}}                                  | source.configMap.name
          source: {configMap: {name: "x\\n"}}                              | source.configMap.name
          source: {configMap: {name: a?b}}                                 | source.configMap.name
          source: {configMap: {name: a, items: [{key: a/b, path: x}]}}     | source.configMap.items
          source: {configMap: {name: a, items: [{key: .., path: x}]}}      | source.configMap.items
          registrySecrets: [{name: ok}, {name: ../configmaps/x}]           | registrySecrets[].name
          output: {image: r/x, secretRef: {name: a b}}                     | output.secretRef.name
          source: {git: {url: "https://h/x", secretRef: {name: a%2fb}}}    | source.git.secretRef.name
          cache: {registry: {repository: r/c, secretRef: {name: a/b}}}     | cache.registry.secretRef.name
          secrets: [{id: a, secretRef: {name: ../x}}]                      | secrets[].secretRef.name
          secrets: [{id: a, secretRef: {name: x, key: ../b}}]              | secrets[].secretRef.key
          secrets: [{id: .., secretRef: {name: x}}]                        | secrets[].secretRef.key
          secrets: [{id: a}]                                               | secrets[]
          ssh: [{id: a, secretRef: {name: ../x}}]                          | ssh[].secretRef.name
          ssh: [{id: a}]                                                   | ssh[]
          contexts: [{name: c, configMap: {name: ../x}}]                   | contexts[c].configMap.name
          contexts: [{name: c, configMap: {name: a, items: [{key: a/b, path: x}]}}] | contexts[c].configMap.items
          contexts: [{name: c, git: {url: "https://h/x", secretRef: {name: a b}}}] | contexts[c].git.secretRef.name
          contexts: [{name: c}]                                            | contexts[c] needs exactly one
          contexts: [{name: c, image: {image: x}, inline: []}]             | contexts[c] needs exactly one
          contexts: [{name: c, git: {url: "https://me:secret@h/x"}}]       | contexts[c].git.url
          buildArgs: [{name: V, valueFrom: {configMapKeyRef: {name: ../x, key: k}}}] | buildArgs[V].valueFrom.configMapKeyRef.name
          buildArgs: [{name: V, valueFrom: {configMapKeyRef: {name: x, key: ..}}}] | buildArgs[V].valueFrom.configMapKeyRef.key
          buildArgs: [{name: V, value: x, valueFrom: {configMapKeyRef: {name: x, key: k}}}] | buildArgs[V] has both
          buildArgs: [{name: V, valueFrom: {secretKeyRef: {name: x, key: k}}}] | buildArgs[V].valueFrom needs configMapKeyRef (a Secret is for spec.secrets
          """)
  void namesThatAreNoneNeverReachAUrl(String spec, String field) {
    assertThat(Validation.problem(TestCluster.build("x", DOCKERFILE + spec)))
        .hasValueSatisfying(problem -> assertThat(problem).contains("spec." + field));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://me:secret@h/x",
        "https://token-secret@h/x",
        "ssh://me:secret@h/x",
        "git://me:secret@h/x",
        "ssh://me:secret@"
      })
  void credentialsInAUrlAreRefusedAndNotRepeated(String url) {
    var spec = "source: {git: {url: '%s'}}".formatted(url);
    assertThat(Validation.problem(TestCluster.build("x", spec)))
        .hasValueSatisfying(
            problem ->
                assertThat(problem).contains("git.url", "git.secretRef").doesNotContain("secret@"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"ssh://git@h:22/a:b@c", "git@h:x/y.git", "https://h/x@y", "https://h:8443/x"})
  void usersArePartOfAUrl(String url) {
    var spec = "source: {git: {url: '%s'}}".formatted(url);
    assertThat(Validation.problem(TestCluster.build("x", spec))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "source: {configMap: {name: a.b-c, items: [{key: ._A-b.txt, path: x}]}}",
        "registrySecrets: [{name: a}, {name: a-1.b}]",
        "source: {git: {url: \"https://h/x\", secretRef: {name: login}}}",
        "contexts: [{name: a, image: {image: r/x}}, {name: b, configMap: {name: a}}]",
        "buildArgs: [{name: V, valueFrom: {configMapKeyRef: {name: a, key: k.txt}}}, {name: W}]",
        "secrets: [{id: npm_rc, secretRef: {name: a, key: .npmrc}}, {id: b, secretRef: {name: a}}]"
      })
  void namesAreGood(String spec) {
    assertThat(Validation.problem(TestCluster.build("x", DOCKERFILE + spec))).isEmpty();
  }
}
