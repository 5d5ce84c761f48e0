package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.LedgerEntry.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerBookTest {
  private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");

  @TempDir Path folder;

  static Map<Digest, LedgerEntry> entries(int count, long seed) {
    var random = new Random(seed);
    Map<Digest, LedgerEntry> entries = new HashMap<>();
    for (int i = 0; i < count; i++) {
      byte[] content = new byte[16];
      random.nextBytes(content);
      Instant seen = NOW.minusSeconds(random.nextInt(10_000_000));
      Map<String, Instant> tags =
          i % 3 == 0 ? Map.of() : Map.of("1." + i + ".0", seen, "pr-" + i, seen.plusSeconds(5));
      entries.put(
          Digest.ofBytes(content),
          new LedgerEntry(
              seen,
              i % 3 == 0 ? seen.plusSeconds(9) : null,
              20_000 + i % 50,
              tags,
              State.values()[i % 3]));
    }
    return entries;
  }

  private static Ledger put(Ledger ledger, String repository, Map<Digest, LedgerEntry> entries) {
    return ledger.with(repository, entries, NOW);
  }

  @Test
  void twoHundredThousandDigestsFitShardsOfLessThanAMebibyte() throws IOException {
    var store = new DirectoryShardStore(folder);
    var book = new LedgerBook(store);
    Map<Digest, LedgerEntry> entries = entries(200_000, 1);

    book.update(ledger -> put(ledger, "r.io/big", entries));

    Ledger read = new LedgerBook(store).load();
    assertThat(read.repository("r.io/big")).isEqualTo(entries);
    assertThat(read.latest()).isEqualTo(NOW);
    // In base64, as a ConfigMap's binaryData.
    assertThat(store.load().values())
        .allSatisfy(s -> assertThat(s.bytes().length * 4 / 3).isLessThan(1 << 20));
    assertThat(store.load()).hasSizeLessThan(70);
    var before = new ArrayList<String>();
    store.load().values().forEach(s -> before.add(s.version()));
    book.update(ledger -> ledger);
    assertThat(store.load().values()).extracting(ShardStore.Stored::version).isEqualTo(before);
  }

  @Test
  void runsAtOneTimeLoseNothingOfEachOther() throws Exception {
    var store = new DirectoryShardStore(folder);
    List<Future<?>> runs = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int run = 0; run < 4; run++) {
        int number = run;
        runs.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 5; i++) {
                    String name = "r.io/app" + number + "/" + i;
                    Map<Digest, LedgerEntry> entries = entries(40, number * 10L + i);
                    // Shards of one entry or two: they are split all the time.
                    new LedgerBook(store, 1500).update(ledger -> put(ledger, name, entries));
                  }
                  return null;
                }));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    }

    Ledger all = new LedgerBook(store).load();
    assertThat(all.repositories()).hasSize(20);
    for (int run = 0; run < 4; run++) {
      for (int i = 0; i < 5; i++) {
        assertThat(all.repository("r.io/app" + run + "/" + i))
            .isEqualTo(entries(40, run * 10L + i));
      }
    }
  }

  /** Wherever a writer dies, what was there before is there, and the next one goes on. */
  @Test
  void aWriterThatDiesLosesNothing() throws IOException {
    Map<Digest, LedgerEntry> old = entries(60, 1);
    for (int death = 0; death < 12; death++) {
      var store = new DirectoryShardStore(folder.resolve("" + death));
      new LedgerBook(store, 4000).update(ledger -> put(ledger, "r.io/a", old));
      int[] left = {death};
      var dying = new Dying(store, left);
      Map<Digest, LedgerEntry> more = entries(300, 2);
      try {
        new LedgerBook(dying, 4000).update(ledger -> put(ledger, "r.io/b", more));
      } catch (IllegalStateException e) {
        assertThat(e).hasMessage("dead");
      }

      assertThat(new LedgerBook(store).load().repository("r.io/a")).isEqualTo(old);
      new LedgerBook(store, 4000).update(ledger -> put(ledger, "r.io/b", more));
      Ledger whole = new LedgerBook(store).load();
      assertThat(whole.repository("r.io/a")).isEqualTo(old);
      assertThat(whole.repository("r.io/b")).isEqualTo(more);
    }
  }

  private record Dying(ShardStore store, int[] left) implements ShardStore {
    private void step() {
      if (left[0]-- <= 0) {
        throw new IllegalStateException("dead");
      }
    }

    @Override
    public Map<String, Stored> load() throws IOException {
      return store.load();
    }

    @Override
    public boolean put(String name, byte[] bytes, @Nullable String version) throws IOException {
      step();
      return store.put(name, bytes, version);
    }

    @Override
    public boolean remove(String name, String version) throws IOException {
      step();
      return store.remove(name, version);
    }
  }

  @Test
  void aDamagedShardIsAnErrorAndNotAnEmptyLedger() throws IOException {
    var store = new DirectoryShardStore(folder);
    new LedgerBook(store).update(ledger -> put(ledger, "r.io/a", entries(3, 1)));
    Files.write(folder.resolve("ledger.gz"), new byte[] {1, 2, 3});

    assertThatThrownBy(() -> new LedgerBook(store).load())
        .isInstanceOfSatisfying(
            PruneException.class,
            e -> assertThat(e.code()).isEqualTo(PruneException.Code.LEDGER_INVALID))
        .hasMessageContaining("shard ledger");
  }

  @Test
  void mergingDoesNotDependOnTheOrder() {
    List<LedgerEntry> all = new ArrayList<>(entries(40, 3).values());
    for (LedgerEntry a : all) {
      for (LedgerEntry b : all) {
        assertThat(a.merge(b)).isEqualTo(b.merge(a));
      }
      assertThat(a.merge(a).tags()).isEqualTo(a.tags());
    }
  }
}
