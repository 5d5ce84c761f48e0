package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.imagebuild.SecretFiles.Wanted;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code spec.cache} as the operator sees it. */
class SpecCacheTest {
  private static final String SPEC = "dockerfile: {inline: FROM scratch}\n";

  @Test
  void itsSecretIsMountedWithTheOthers() {
    var spec =
        TestCluster.build(
                "x",
                SPEC
                    + "output: {image: r/x, secretRef: {name: push}}\n"
                    + "cache: {registry: {repository: r/c, secretRef: {name: cache}}}")
            .getSpec();

    assertThat(SecretFiles.wanted(spec))
        .containsExactlyInAnyOrder(
            new Wanted(BuilderPaths.SECRETS_REGISTRY, "push", List.of(".dockerconfigjson"), false),
            new Wanted(
                BuilderPaths.SECRETS_REGISTRY, "cache", List.of(".dockerconfigjson"), false));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          cache: {registry: {repository: r.example/c}}        |
          cache: {disabled: true}                             |
          cache: {}                                           | says nowhere
          cache: {registry: {}}                               | names a repository
          cache: {registry: {repository: "r.example/c:1"}}    | without a tag
          """)
  void whatIsWrongIsSaid(String cache, String problem) {
    var found = Validation.problem(TestCluster.build("x", SPEC + cache));

    if (problem == null) {
      assertThat(found).isEmpty();
    } else {
      assertThat(found).hasValueSatisfying(text -> assertThat(text).contains(problem));
    }
  }
}
