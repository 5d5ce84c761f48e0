package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.cluster.FakeCluster;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredManifestCacheTest {
  private static final String MAPS = "/api/v1/configmaps";

  @TempDir Path folder;
  @AutoClose private final FakeCluster cluster = FakeCluster.start();
  @AutoClose private final ClusterApi api = cluster.api();

  private StoredManifestCache cache(int most) {
    return new StoredManifestCache(
        new ConfigMapShardStore(api, new ConfigMapShardStore.Owner("nightly", "u"), "manifests"),
        most);
  }

  private StoredManifestCache cache() {
    return cache(1 << 24);
  }

  /** As manifests are: base layers that many have, and layers of their own. */
  private static Map<Digest, ManifestFacts> manifests(int count, long seed) {
    var random = new Random(seed);
    Map<Digest, ManifestFacts> all = new HashMap<>();
    for (int i = 0; i < count; i++) {
      Digest config = random(random);
      List<Blob> blobs =
          List.of(
              new Blob(config, 5000),
              new Blob(Cases.digest(i % 7), 30_000_000),
              new Blob(Cases.digest(100 + i % 20), 12_345_678),
              new Blob(random(random), random.nextInt(5_000_000)),
              new Blob(random(random), random.nextInt(1000)));
      Digest digest = random(random);
      all.put(
          digest,
          new ManifestFacts(
              digest,
              MediaTypes.OCI_MANIFEST,
              1234,
              List.of(),
              null,
              blobs,
              config,
              Map.of("org.opencontainers.image.revision", random(random).hex().substring(0, 40)),
              null));
    }
    return all;
  }

  private static Digest random(Random random) {
    byte[] bytes = new byte[32];
    random.nextBytes(bytes);
    return Digest.ofBytes(bytes);
  }

  private static void scanned(
      StoredManifestCache cache, String name, Map<Digest, ManifestFacts> its) throws IOException {
    cache.load(name);
    cache.save(name, its);
  }

  private long writes() {
    return cluster.requests().stream().filter(request -> !request.startsWith("GET")).count();
  }

  @Test
  void whatOnePodReadTheNextOneKnows() throws IOException {
    Map<Digest, ManifestFacts> big = manifests(10_000, 1);
    Map<Digest, ManifestFacts> small = manifests(10, 2);
    StoredManifestCache first = cache();
    scanned(first, "r.io/big", big);
    scanned(first, "r.io/small", small);
    first.keep();

    StoredManifestCache next = cache();
    assertThat(next.load("r.io/big")).isEqualTo(big);
    assertThat(next.load("r.io/small")).isEqualTo(small);
    assertThat(next.load("r.io/none")).isEmpty();
    assertThat(cluster.objects(MAPS))
        .hasSizeBetween(3, 7)
        .allSatisfy(map -> assertThat(Json.write(map).length).isLessThan(1 << 20));

    long before = writes();
    next.keep();
    assertThat(writes()).as("nothing has changed").isEqualTo(before);
  }

  @Test
  void aRepositoryThatIsNotScannedAnyMoreIsForgotten() throws IOException {
    StoredManifestCache first = cache();
    scanned(first, "r.io/a", manifests(10, 1));
    scanned(first, "r.io/b", manifests(10, 2));
    first.keep();

    StoredManifestCache next = cache();
    next.load("r.io/b");
    next.keep();

    assertThat(cache().load("r.io/a")).isEmpty();
    assertThat(cache().load("r.io/b")).hasSize(10);
  }

  @Test
  void ofMoreThanFitsTheLastByNameAreLeftOut() throws IOException {
    StoredManifestCache first = cache(100_000);
    scanned(first, "r.io/a", manifests(100, 1));
    scanned(first, "r.io/b", manifests(1000, 2));
    scanned(first, "r.io/c", manifests(100, 3));
    first.keep();

    assertThat(cache().load("r.io/a")).hasSize(100);
    assertThat(cache().load("r.io/b")).isEmpty();
    assertThat(cache().load("r.io/c")).hasSize(100);
  }

  @Test
  void whatIsDamagedIsReadAgain() throws IOException {
    StoredManifestCache first = cache();
    scanned(first, "r.io/a", manifests(5000, 1));
    first.keep();
    assertThat(cluster.objects(MAPS)).hasSizeGreaterThan(1);
    cluster.objects(MAPS).getFirst().withObject("/binaryData").put("data.gz", "AAAA");

    StoredManifestCache next = cache();
    assertThat(next.load("r.io/a")).isEmpty();
    scanned(next, "r.io/a", manifests(5, 1));
    next.keep();
    assertThat(cache().load("r.io/a")).hasSize(5);
    assertThat(cluster.objects(MAPS)).hasSize(1);
  }

  @Test
  void whatCannotBeReadIsNone() throws IOException {
    cluster.fail("/configmaps", query -> true, 403, 100);

    assertThat(cache().load("r.io/a")).isEmpty();
  }

  /** Each scan with caches of its own, as each run in a cluster has. */
  @Test
  void aScanOfFiveHundredTagsInANewPodIsARequestForEachWithoutContent() throws IOException {
    try (var registry = EmbeddedRegistry.start();
        var desk = new Desk(registry.host(), folder)) {
      for (int i = 0; i < 500; i++) {
        desk.index("app:v" + i, desk.image("app", "image " + i));
      }
      List<String> names = List.of(registry.host() + "/app");
      for (int pod = 0; pod < 2; pod++) {
        registry.requests().clear();
        StoredManifestCache its = cache();
        Plan plan =
            new Scanner(desk.client, desk.book, its, desk.clock)
                .plan(desk.policy(1), InUse.NOTHING, names);
        its.keep();
        assertThat(plan.examined()).isEqualTo(1000);
      }

      assertThat(registry.requests().count("GET", "/tags/list")).isEqualTo(2);
      assertThat(registry.requests().matching("GET", "/manifests/"))
          .hasSize(500)
          .allSatisfy(r -> assertThat(r.header("If-None-Match")).isPresent());
      assertThat(registry.requests().all()).hasSize(502);
    }
  }
}
