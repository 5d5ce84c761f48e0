package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.job.SecretFiles.Wanted;
import io.fabric8.kubernetes.api.model.VolumeMount;
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

    assertThat(WantedSecrets.of(spec))
        .containsExactlyInAnyOrder(
            new Wanted(BuilderPaths.SECRETS_REGISTRY, "push", List.of(".dockerconfigjson"), false),
            new Wanted(
                BuilderPaths.SECRETS_REGISTRY, "cache", List.of(".dockerconfigjson"), false));
  }

  @Test
  void aDisabledCacheMountsNoVolume() {
    var cache = "cache: {volume: {claimName: builds}, disabled: %s}";

    assertThat(mounts(cache.formatted(false))).contains(BuilderPaths.CACHE);
    assertThat(mounts(cache.formatted(true))).doesNotContain(BuilderPaths.CACHE);
  }

  private static List<String> mounts(String cache) {
    var build = TestCluster.build("x", SPEC + cache);
    return new PodMounts(build, "order", SecretFiles.NONE, List.of(), TestCluster.settings(""))
        .mounts().stream().map(VolumeMount::getMountPath).toList();
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
          cache: {volume: {claimName: builds}}                |
          cache: {volume: {claimName: builds, subPath: a/b.., maxSize: 20Gi}} |
          cache: {volume: {claimName: builds}, registry: {repository: r.example/c}} |
          cache: {volume: {}}                                 | no name of a PersistentVolumeClaim
          cache: {volume: {claimName: ../x}}                  | no name of a PersistentVolumeClaim
          cache: {volume: {claimName: x, subPath: /a}}        | must be a folder of the volume
          cache: {volume: {claimName: x, subPath: a/..}}      | must be a folder of the volume
          cache: {volume: {claimName: x, maxSize: "0"}}       | maxSize must be a size
          cache: {volume: {claimName: x, maxAge: 168h}}       |
          cache: {volume: {claimName: x, maxAge: a week}}     | spec.cache.volume.maxAge: not a duration
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
