package build.kiln.runtime.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterApiTest {
  private static final String PODS = "/api/v1/pods";
  private static final String ALL_MAPS = "/api/v1/configmaps";
  private static final String MAPS = "/api/v1/namespaces/kiln/configmaps";

  @AutoClose private final FakeCluster cluster = FakeCluster.start();
  @AutoClose private final ClusterApi api = cluster.api();
  @TempDir Path folder;

  private void pods(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      cluster.put(PODS, "{'metadata':{'name':'p%04d','namespace':'n'}}".formatted(i));
    }
  }

  private List<String> names() throws IOException {
    List<String> names = new ArrayList<>();
    api.list(
        PODS,
        Map.of("limit", "10"),
        page ->
            page.path("items").forEach(p -> names.add(p.path("metadata").path("name").asText())));
    return names;
  }

  @Test
  void aListComesInPagesUntilItsEnd() throws IOException {
    pods(25);

    assertThat(names()).hasSize(25).doesNotHaveDuplicates();
    assertThat(cluster.requests()).hasSize(3);
  }

  /** Etcd forgets what a list began with: then it begins again, and nothing is left out. */
  @Test
  void aListThatGrewTooOldBeginsAgain() throws IOException {
    pods(25);
    cluster.fail("/pods", query -> query.contains("p0019"), 410, 1);

    assertThat(names()).hasSize(45).contains("p0000", "p0024");
  }

  @Test
  void aListThatIsAlwaysTooOldIsAFailure() throws IOException {
    pods(25);
    cluster.fail("/pods", query -> query.contains("p0019"), 410, 100);

    assertThatThrownBy(this::names)
        .isInstanceOf(ClusterException.class)
        .hasMessageContaining("410");
  }

  @Test
  void whatMayPassIsTriedAgainAndWhatIsForbiddenIsNot() throws IOException {
    pods(1);
    cluster.fail("/pods", query -> true, 503, 2);
    cluster.fail("/pods", query -> true, 429, 1);

    assertThat(names()).hasSize(1);
    assertThat(cluster.requests()).hasSize(4);

    cluster.requests().clear();
    cluster.fail("/pods", query -> true, 403, 9);
    assertThatThrownBy(this::names)
        .isInstanceOf(ClusterException.class)
        .hasMessage("tried to list /api/v1/pods but the API answered 403: it fails");
    assertThat(cluster.requests()).hasSize(1);
  }

  private static ObjectNode map(String name, String version) {
    ObjectNode map = Json.mapper().createObjectNode();
    map.put("kind", "ConfigMap");
    ObjectNode metadata = map.putObject("metadata").put("name", name).put("namespace", "kiln");
    if (!version.isEmpty()) {
      metadata.put("resourceVersion", version);
    }
    return map;
  }

  @Test
  void objectsAreCreatedOnceAndChangedAtTheirVersionOnly() throws IOException {
    assertThat(api.create(MAPS, map("a", ""))).isTrue();
    assertThat(api.create(MAPS, map("a", ""))).isFalse();
    String version =
        cluster.objects(ALL_MAPS).getFirst().path("metadata").path("resourceVersion").asText();
    assertThat(api.replace(MAPS + "/a", map("a", "1"))).isFalse();
    assertThat(api.replace(MAPS + "/a", map("a", version))).isTrue();
    assertThat(api.replace(MAPS + "/gone", map("gone", "1"))).isFalse();
    assertThat(api.delete(MAPS + "/a", version)).isFalse();
    assertThat(cluster.objects(ALL_MAPS)).hasSize(1);
  }

  @Test
  void aPodIsToldWhereTheApiIs() throws IOException {
    Files.writeString(folder.resolve("namespace"), "kiln\n");
    Files.writeString(folder.resolve("token"), "one\n");
    Map<String, String> environment =
        Map.of("KUBERNETES_SERVICE_HOST", "fd00::1", "KUBERNETES_SERVICE_PORT", "6443");
    Files.writeString(folder.resolve("ca.crt"), "");

    ClusterAccess access = ClusterAccess.of(environment, folder);

    assertThat(access.server()).hasToString("https://[fd00::1]:6443");
    assertThat(access.namespace()).isEqualTo("kiln");
    assertThat(access.token().now()).isEqualTo("one");
    Files.writeString(folder.resolve("token"), "two");
    assertThat(access.token().now()).isEqualTo("two");
    assertThatThrownBy(() -> ClusterAccess.of(Map.of(), folder)).hasMessageContaining("is no pod");
    assertThatThrownBy(() -> ClusterAccess.of(environment, folder.resolve("none")))
        .hasMessageContaining("automountServiceAccountToken");
  }
}
