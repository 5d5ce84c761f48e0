package build.kiln.runtime.prune;

import build.kiln.runtime.prune.ShardStore.Stored;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * The newest plans that wait for an approval: what a person approves by its hash. What they keep is
 * not written, only what they delete.
 */
public final class StoredPlan {
  /** Runs go on while a person looks at a plan. */
  private static final int KEPT = 5;

  private static final int HASH = 16;
  private static final String SPENT = "spent-";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss").withZone(ZoneOffset.UTC);

  private final ShardStore store;

  public StoredPlan(ShardStore store) {
    this.store = store;
  }

  /** Keeps a plan, unless it is kept already, and forgets the oldest. */
  public void save(Plan plan) throws IOException {
    Map<String, Stored> before = store.load();
    if (!chunks(before, plan.hash()).isEmpty()) {
      return;
    }
    String name = TIME.format(plan.at()) + "-" + start(plan.hash());
    Chunks.add(store, name + "-", Chunks.pack(PlanFile.of(plan).withoutKept().write()), before);
    List<String> names =
        before.keySet().stream()
            .filter(key -> !key.startsWith(SPENT))
            .map(StoredPlan::name)
            .distinct()
            .toList();
    Set<String> old = Set.copyOf(names.subList(0, Math.max(0, names.size() - KEPT + 1)));
    for (var chunk : before.entrySet()) {
      if (old.contains(name(chunk.getKey()))) {
        store.remove(chunk.getKey(), chunk.getValue().version());
      }
    }
  }

  /** The plan of this hash; empty if it is none of the newest. */
  public Optional<Plan> load(String hash) throws IOException {
    Map<String, Stored> chunks = chunks(store.load(), hash);
    if (chunks.isEmpty()) {
      return Optional.empty();
    }
    List<byte[]> parts = chunks.values().stream().map(Stored::bytes).toList();
    try {
      return Optional.of(PlanFile.read("the plan that was kept", Chunks.unpack(parts)))
          .map(PlanFile::toPlan)
          .filter(plan -> plan.hash().equals(hash));
    } catch (ZipException | EOFException | PruneException partial) {
      // Written in part, or by another release: there is none to approve, and a run says so.
      return Optional.empty();
    }
  }

  /**
   * Forgets a plan that was carried out, and remembers that it was: an approval of it that still
   * stands allows nothing more.
   */
  public void spend(String hash) throws IOException {
    Map<String, Stored> before = store.load();
    String spent = SPENT + start(hash);
    if (!before.containsKey(spent)) {
      // Another that writes it at the same time says the same.
      store.put(spent, hash.getBytes(StandardCharsets.UTF_8), null);
    }
    for (var chunk : chunks(before, hash).entrySet()) {
      store.remove(chunk.getKey(), chunk.getValue().version());
    }
  }

  /** Whether a plan of this hash was carried out by an approval that has stood since. */
  public boolean spent(String hash) throws IOException {
    return store.load().containsKey(SPENT + start(hash));
  }

  /**
   * Lets plans be approved anew of which no approval stands any more.
   *
   * @param approved the hash that is approved now; null if none
   */
  public void release(@Nullable String approved) throws IOException {
    for (var value : store.load().entrySet()) {
      boolean stands = approved != null && value.getKey().equals(SPENT + start(approved));
      if (value.getKey().startsWith(SPENT) && !stands) {
        store.remove(value.getKey(), value.getValue().version());
      }
    }
  }

  private static Map<String, Stored> chunks(Map<String, Stored> all, String hash) {
    Map<String, Stored> its = new TreeMap<>(all);
    its.keySet()
        .removeIf(name -> name.startsWith(SPENT) || !name(name).endsWith("-" + start(hash)));
    return its;
  }

  /** Of the plan that a chunk is of. */
  private static String name(String chunk) {
    return chunk.substring(0, chunk.lastIndexOf('-'));
  }

  private static String start(String hash) {
    return hash.substring(0, Math.min(HASH, hash.length()));
  }
}
