package build.kiln.runtime.prune;

import build.kiln.runtime.prune.ShardStore.Stored;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * The newest plan that waits for an approval: what a person approves by its hash. What it keeps is
 * not written, only what it deletes.
 */
public final class StoredPlan {
  private final ShardStore store;

  public StoredPlan(ShardStore store) {
    this.store = store;
  }

  /** Replaces the one that is there. */
  public void save(Plan plan) throws IOException {
    Chunks.write(store, Chunks.pack(PlanFile.of(plan).withoutKept().write()));
  }

  /** The plan of this hash; empty if another one, or none, is there. */
  public Optional<Plan> load(String hash) throws IOException {
    Map<String, Stored> chunks = store.load();
    if (chunks.isEmpty()) {
      return Optional.empty();
    }
    List<byte[]> parts = chunks.values().stream().map(Stored::bytes).toList();
    try {
      return Optional.of(PlanFile.read("the plan that was kept", Chunks.unpack(parts)))
          .filter(plan -> plan.hash().equals(hash));
    } catch (ZipException | EOFException | PruneException partial) {
      // Written by two at once, or by another release: there is none to approve, and a run says so.
      return Optional.empty();
    }
  }
}
