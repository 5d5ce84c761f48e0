package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.cluster.FakeCluster;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.prune.ConfigMapShardStore.Owner;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

class ConfigMapShardStoreTest {
  private static final String MAPS = "/api/v1/configmaps";
  private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");

  @AutoClose private final FakeCluster cluster = FakeCluster.start();
  @AutoClose private final ClusterApi api = cluster.api();

  private ConfigMapShardStore store(String policy) {
    return new ConfigMapShardStore(api, new Owner(policy, "uid-1"), "ledger");
  }

  @Test
  void twoHundredThousandDigestsAreConfigMapsOfLessThanAMebibyte() throws IOException {
    Map<Digest, LedgerEntry> entries = LedgerBookTest.entries(200_000, 1);

    new LedgerBook(store("nightly")).update(ledger -> ledger.with("r.io/big", entries, NOW));

    Ledger read = new LedgerBook(store("nightly")).load();
    assertThat(read.repository("r.io/big")).isEqualTo(entries);
    assertThat(cluster.objects(MAPS))
        .hasSizeGreaterThan(5)
        .allSatisfy(map -> assertThat(Json.write(map).length).isLessThan(1 << 20))
        .allSatisfy(
            map ->
                assertThat(map.at("/metadata/name").asText())
                    .startsWith("kiln-prune-nightly-ledger-")
                    .matches("[a-z0-9-]{1,253}"))
        .allSatisfy(
            map ->
                assertThat(map.at("/metadata/ownerReferences/0/uid").asText()).isEqualTo("uid-1"));
  }

  @Test
  void runsAtOneTimeLoseNothingOfEachOther() throws Exception {
    List<Future<?>> runs = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
      for (int run = 0; run < 3; run++) {
        int number = run;
        runs.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 4; i++) {
                    String name = "r.io/app" + number + "/" + i;
                    Map<Digest, LedgerEntry> entries = LedgerBookTest.entries(40, number * 10L + i);
                    new LedgerBook(store("nightly"), 1500)
                        .update(ledger -> ledger.with(name, entries, NOW));
                  }
                  return null;
                }));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    }

    Ledger all = new LedgerBook(store("nightly")).load();
    assertThat(all.repositories()).hasSize(12);
    for (int run = 0; run < 3; run++) {
      assertThat(all.repository("r.io/app" + run + "/3"))
          .isEqualTo(LedgerBookTest.entries(40, run * 10L + 3));
    }
  }

  @Test
  void policiesDoNotSeeEachOther() throws IOException {
    String one = "a-policy-with-a-very-long-name-that-goes-on-and-on-1";
    String other = "a-policy-with-a-very-long-name-that-goes-on-and-on-2";
    store(one).put("ledger", new byte[] {1}, null);

    assertThat(store(other).load()).isEmpty();
    assertThat(store(one).load()).containsOnlyKeys("ledger");
    assertThat(store(one).selector()).matches("kiln.build/prune-policy=[a-z0-9-]{1,63},.*");
  }

  @Test
  void whatIsNoneOfItsOwnIsAnError() throws IOException {
    cluster.put(
        MAPS,
        "{'metadata':{'name':'mine','namespace':'kiln','labels':{'kiln.build/prune-policy':'nightly','kiln.build/prune-part':'ledger'}}}");
    assertThatThrownBy(() -> store("nightly").load())
        .isInstanceOf(PruneException.class)
        .hasMessageContaining("ConfigMap mine");
  }

  /** A report is one document, in as many ConfigMaps as it needs, and the next replaces it. */
  @Test
  void aDocumentIsTakenApartAndPutTogether() throws IOException {
    var store = new ConfigMapShardStore(api, new Owner("nightly", null), "report");
    byte[] large = new byte[1_500_000];
    new Random(1).nextBytes(large);

    Chunks.write(store, Chunks.pack(large));
    assertThat(store.load()).hasSize(3);
    assertThat(read(store)).isEqualTo(large);

    Chunks.write(store, Chunks.pack(new byte[] {7}));
    assertThat(store.load()).hasSize(1);
    assertThat(read(store)).containsExactly(7);
  }

  private static byte[] read(ShardStore store) throws IOException {
    return Chunks.unpack(store.load().values().stream().map(ShardStore.Stored::bytes).toList());
  }
}
