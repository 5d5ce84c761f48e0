package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.prune.ShardStore.Stored;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * The ledger as it lies in a store.
 *
 * <p>A digest of a repository has a place, a number of bits made of both names. A shard holds all
 * places that begin with the bits of its name: {@code ledger} all of them, {@code ledger-0} and
 * {@code ledger-1} half each. One that grows is split in two; the parts are written first and the
 * whole is removed then, so that whoever reads in between sees some entries twice, which {@link
 * Ledger#merge} makes one of. The latest time has a shard of its own, so that a scan which found
 * nothing new writes nothing else.
 */
public final class LedgerBook {
  private static final String NAME = "ledger";
  private static final String CLOCK = "clock";
  private static final int ATTEMPTS = 20;
  private static final int PLACE_BITS = 32;

  private final ShardStore store;
  private final int limit;

  public LedgerBook(ShardStore store) {
    this(store, 600_000);
  }

  /**
   * @param limit of bytes above which a shard is split; base64 adds a third to them in a ConfigMap
   */
  LedgerBook(ShardStore store, int limit) {
    this.store = store;
    this.limit = limit;
  }

  /**
   * Reads all of it.
   *
   * @throws PruneException LEDGER_INVALID if a part is damaged: then nothing may be deleted
   */
  public Ledger load() throws IOException {
    return read(store.load());
  }

  private static Ledger read(Map<String, Stored> shards) throws PruneException {
    Map<String, Map<Digest, LedgerEntry>> all = new HashMap<>();
    Instant latest = Instant.EPOCH;
    for (var shard : shards.entrySet()) {
      Ledger part = LedgerFormat.read(shard.getKey(), shard.getValue().bytes());
      latest = part.latest().isAfter(latest) ? part.latest() : latest;
      part.repositories()
          .forEach(
              (name, entries) -> {
                Map<Digest, LedgerEntry> its =
                    all.computeIfAbsent(name, ignored -> new HashMap<>());
                entries.forEach((digest, entry) -> its.merge(digest, entry, LedgerEntry::merge));
              });
    }
    return new Ledger(latest, all);
  }

  /**
   * Changes it, in spite of others who do.
   *
   * @param change done again on what others wrote meanwhile, so it must not depend on how often
   * @return the ledger as it was written
   * @throws PruneException LEDGER_BUSY if others are always faster
   */
  public Ledger update(UnaryOperator<Ledger> change) throws IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      Map<String, Stored> shards = store.load();
      Ledger changed = change.apply(read(shards));
      if (write(changed, shards)) {
        return changed;
      }
    }
    throw new PruneException(
        Code.LEDGER_BUSY, "tried to write the ledger but others did so each time; try again later");
  }

  private boolean write(Ledger ledger, Map<String, Stored> shards) throws IOException {
    Map<String, byte[]> wanted = layout(ledger, shards.keySet());
    for (var shard : wanted.entrySet()) {
      Stored before = shards.get(shard.getKey());
      boolean same = before != null && Arrays.equals(before.bytes(), shard.getValue());
      if (!same
          && !store.put(
              shard.getKey(), shard.getValue(), before == null ? null : before.version())) {
        return false;
      }
    }
    for (var shard : shards.entrySet()) {
      if (!wanted.containsKey(shard.getKey())
          && !store.remove(shard.getKey(), shard.getValue().version())) {
        return false;
      }
    }
    return true;
  }

  /** The shards of a ledger: those there are, and halves of what has grown. */
  private Map<String, byte[]> layout(Ledger ledger, Set<String> existing) {
    Map<String, Map<String, Map<Digest, LedgerEntry>>> parts = new TreeMap<>();
    leaves("", existing).forEach(bits -> parts.put(bits, new HashMap<>()));
    ledger
        .repositories()
        .forEach(
            (name, entries) ->
                entries.forEach(
                    (digest, entry) -> put(parts, place(name, digest), name, digest, entry)));
    Map<String, byte[]> shards = new TreeMap<>();
    shards.put(CLOCK, LedgerFormat.write(new Ledger(ledger.latest(), Map.of())));
    parts.forEach((bits, entries) -> split(bits, entries, shards));
    return shards;
  }

  /** The shards that share out all places; one whose parts are there is none. */
  private static Set<String> leaves(String bits, Set<String> existing) {
    String parts = NAME + "-" + bits;
    boolean divided =
        existing.stream()
            .anyMatch(name -> name.startsWith(parts) && name.length() > parts.length());
    Set<String> leaves = new TreeSet<>();
    if (divided) {
      leaves.addAll(leaves(bits + "0", existing));
      leaves.addAll(leaves(bits + "1", existing));
    } else {
      leaves.add(bits);
    }
    return leaves;
  }

  private static void put(
      Map<String, Map<String, Map<Digest, LedgerEntry>>> parts,
      String place,
      String repository,
      Digest digest,
      LedgerEntry entry) {
    for (int length = 0; length <= place.length(); length++) {
      var part = parts.get(place.substring(0, length));
      if (part != null) {
        part.computeIfAbsent(repository, ignored -> new HashMap<>()).put(digest, entry);
        return;
      }
    }
    throw new AssertionError("leaves cover all places");
  }

  private void split(
      String bits, Map<String, Map<Digest, LedgerEntry>> entries, Map<String, byte[]> shards) {
    byte[] bytes = LedgerFormat.write(new Ledger(Instant.EPOCH, entries));
    if (bytes.length <= limit || bits.length() == PLACE_BITS) {
      shards.put(shard(bits), bytes);
      return;
    }
    Map<String, Map<String, Map<Digest, LedgerEntry>>> halves =
        new TreeMap<>(Map.of(bits + "0", new HashMap<>(), bits + "1", new HashMap<>()));
    entries.forEach(
        (name, its) ->
            its.forEach((digest, entry) -> put(halves, place(name, digest), name, digest, entry)));
    halves.forEach((half, its) -> split(half, its, shards));
  }

  private static String shard(String bits) {
    return bits.isEmpty() ? NAME : NAME + "-" + bits;
  }

  private static String place(String repository, Digest digest) {
    MessageDigest sha256 = Digest.sha256();
    sha256.update(repository.getBytes(StandardCharsets.UTF_8));
    byte[] hash = sha256.digest(digest.hex().getBytes(StandardCharsets.US_ASCII));
    var bits = new StringBuilder(PLACE_BITS);
    for (int i = 0; i < PLACE_BITS; i++) {
      bits.append((hash[i / 8] >> (7 - i % 8)) & 1);
    }
    return bits.toString();
  }
}
