package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec.NodeLimits;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import build.kiln.api.work.NodeOrder;
import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.cluster.FakeCluster;
import build.kiln.runtime.prune.ConfigMapShardStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** What is remembered of a node, in ConfigMaps. */
class PodNodeStoreTest {
  private static final String MAPS = "/api/v1/configmaps";

  @AutoClose private final FakeCluster cluster = FakeCluster.start();
  @AutoClose private final ClusterApi api = cluster.api();

  private PodNodeStore store(String policy, String nodeUid) {
    return new PodNodeStore(
        new NodeOrder(
            policy,
            "uid-of-policy",
            1,
            "node",
            nodeUid,
            true,
            "24h",
            new Nodes("168h", null, null, null, null, new NodeLimits(1, 1)),
            null),
        api);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void eachNodeOfEachPolicyHasItsOwnAndTheNextReportReplacesTheLast() throws IOException {
    assertThat(store("nightly", "n1").load()).isEmpty();
    byte[] large = new byte[2_000_000];
    new Random(1).nextBytes(large);
    store("nightly", "n1").save(large);
    store("nightly", "n2").save(bytes("two"));
    store("other", "n1").save(bytes("three"));
    assertThat(store("nightly", "n1").load()).contains(large);
    assertThat(store("nightly", "n2").load()).contains(bytes("two"));
    assertThat(cluster.objects(MAPS)).hasSizeGreaterThan(4);

    store("nightly", "n1").save(bytes("one"));

    assertThat(store("nightly", "n1").load()).contains(bytes("one"));
    assertThat(cluster.objects(MAPS))
        .hasSize(3)
        .allSatisfy(
            map -> {
              assertThat(map.at("/metadata/name").asText())
                  .startsWith("kiln-prune-")
                  .contains("-node-n");
              assertThat(map.at("/metadata/ownerReferences/0/uid").asText())
                  .isEqualTo("uid-of-policy");
            });
  }

  @Test
  void whatIsDamagedIsAnErrorThatSaysWhatToDelete() throws IOException {
    var owner = new ConfigMapShardStore.Owner("nightly", null);
    new ConfigMapShardStore(api, owner, NodeOrder.part("n1")).put("000", bytes("no gzip"), null);
    assertThatThrownBy(() -> store("nightly", "n1").load())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(
            "delete the ConfigMaps with the labels kiln.build/prune-policy=nightly,kiln.build/prune-part=node-n1");
  }
}
