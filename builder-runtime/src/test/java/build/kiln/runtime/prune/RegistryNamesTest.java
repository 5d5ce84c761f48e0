package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.OciException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegistryNamesTest {
  private static final RegistryNames PLAIN = new RegistryNames(List.of());

  @ParameterizedTest
  @CsvSource({
    "r.io/a, R.io/a",
    "r.io/a, r.io:443/a",
    "r.io/a, r.io:80/a",
    "docker.io/library/nginx, index.docker.io/library/nginx",
    "docker.io/library/nginx, registry-1.docker.io:443/nginx",
    "docker.io/shop/api, registry.hub.docker.com/shop/api",
    "registry.kiln:5000/a, registry.kiln.svc:5000/a",
    "registry.kiln:5000/a, registry.kiln.svc.cluster.local:5000/a",
    "registry.kiln.svc/a, registry.kiln.svc.corp.example.com:443/a",
    "localhost:5000/a, 127.0.0.1:5000/a",
    "localhost:5000/a, [::1]:5000/a",
  })
  void ofOneRegistry(String one, String other) {
    assertThat(PLAIN.repository(other)).isEqualTo(PLAIN.repository(one));
  }

  @ParameterizedTest
  @CsvSource({
    "r.io/a, r.io:5000/a",
    "r.io/a, r.io/b",
    "r.io/a, r.iox/a",
    "registry.kiln:5000/a, registry.kiln.svc:5001/a",
    "registry.kiln/a, registry.other.svc/a",
    "registry.kiln.svc/a, registry-0.registry.kiln.svc/a",
    "localhost:5000/a, localhost:5001/a",
  })
  void ofTwoRegistries(String one, String other) {
    assertThat(PLAIN.repository(other)).isNotEqualTo(PLAIN.repository(one));
  }

  @Test
  void anAliasIsAnotherNameWhateverItsForm() {
    var names =
        new RegistryNames(
            List.of(
                new RegistryAlias("registry.kiln.svc:5000", "localhost:5000"),
                new RegistryAlias("r.example.com", "Node1:30500"),
                new RegistryAlias("127.0.0.1:5000", "r.example.com:443")));

    assertThat(
            List.of(
                names.repository("registry.kiln:5000/a/b"),
                names.repository("localhost:5000/a/b"),
                names.repository("r.example.com/a/b"),
                names.repository("node1:30500/a/b")))
        .containsOnly(names.repository("registry.kiln.svc.cluster.local:5000/a/b"));
    assertThat(names.repository("node2:30500/a/b")).isEqualTo("node2:30500/a/b");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "https://r.io", "r.io/x", "r.io:", "r_.io", "r.io:123456"})
  void whatIsNoHostIsRefused(String alias) {
    assertThatThrownBy(() -> new RegistryAlias("r.io", alias))
        .isInstanceOf(OciException.class)
        .hasMessageContaining("is no registry");
  }

  /** What a reference names, and what is looked at. */
  @ParameterizedTest
  @CsvSource({
    "registry.kiln:5000/shop/api, registry.kiln.svc.cluster.local:5000/shop/api",
    "r.io/shop/api, R.io:443/shop/api",
    "docker.io/library/nginx, registry-1.docker.io/library/nginx",
  })
  void whatIsUsedByAnotherNameIsUsed(String repository, String written) {
    var uses = List.of(new Use(written, List.of("1"), null, "Pod n/p"));
    var busy = List.of(new InUse.Busy(written, "ImageBuild n/b"));
    var index = new UseIndex(new InUse(uses, List.of(), busy, List.of(), List.of(), List.of()));

    assertThat(index.tags(repository).user("1")).contains("Pod n/p");
    assertThat(index.tags(repository).user("2")).isEmpty();
    assertThat(index.busy(repository)).isPresent();
  }

  @Test
  void mirrorsAreSeenThroughUnderAllNames() {
    var mapping = new MirrorMapping("docker.io", "r.io:443/hub", "ImageMirror n/m");
    var index =
        new UseIndex(
            new InUse(
                    List.of(
                        new Use("index.docker.io/library/nginx", List.of("1"), null, "Pod n/p")),
                    List.of(),
                    List.of(),
                    List.of(),
                    List.of(),
                    List.of(mapping))
                .and(InUse.aliased(List.of(new RegistryAlias("r.io", "r.internal:5000")))));

    assertThat(index.tags("r.internal:5000/hub/library/nginx").user("1")).contains("Pod n/p");
  }

  /** A registry may have names that nobody told. */
  @Test
  void aDigestInUseIsInUseEverywhereAndATagInAllRepositoriesOfItsPath() {
    var digest = Cases.digest(1);
    var index =
        new UseIndex(
            new InUse(
                List.of(
                    new Use("node1:30500/shop/api", List.of("1"), null, "Deployment n/d"),
                    new Use("node1:30500/shop/api", List.of(), digest, "Pod n/p")),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of()));

    assertThat(index.digest(digest)).contains("Pod n/p");
    assertThat(index.tags("r.io/shop/api").user("1"))
        .contains("Deployment n/d, which names node1:30500/shop/api");
    assertThat(index.tags("r.io/other/api").user("1")).isEmpty();
    assertThat(index.tags("r.io/shop/api").user("2")).isEmpty();
  }

  @Test
  void whatACachesListNamesIsInThatRegistryAlone() {
    var use = new Use("r.io/cache", List.of("k-1"), null, "the cache of api", true);
    var index =
        new UseIndex(
            new InUse(List.of(use), List.of(), List.of(), List.of(), List.of(), List.of()));

    assertThat(index.tags("r.io/cache").user("k-1")).contains("the cache of api");
    assertThat(index.tags("other.io/cache").user("k-1")).isEmpty();
  }
}
