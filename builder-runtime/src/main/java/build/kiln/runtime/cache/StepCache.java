package build.kiln.runtime.cache;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The caches of one build: the local store, then repositories of registries. Thread-safe.
 *
 * <p>What a registry says is not kept in the local store: were it wrong, it would be found again
 * when the build is tried without the registry.
 */
public final class StepCache {
  private final LocalRecords local;
  private final boolean keeps;
  private final List<RegistryCache> from;
  private final List<Target> to;
  private final Map<Digest, Reference> served = new ConcurrentHashMap<>();
  private final Map<String, Done> done = new ConcurrentHashMap<>();
  private volatile boolean withdrawn;

  /** Which steps are written to a registry. */
  public enum Mode {
    /** Those whose layers are in the image. */
    min,
    /** Those of all stages. */
    max
  }

  /** A registry's cache that is written when the build is done. */
  public record Target(RegistryCache cache, Mode mode) {}

  /**
   * A step that this build has done, or found done.
   *
   * @param entry with all its keys
   */
  public record Done(CacheEntry entry, StepInputs inputs) {}

  /** What a lookup came to. */
  public sealed interface Lookup {
    /**
     * It is known.
     *
     * @param origin the repository that has the layer; null for the local store
     */
    record Hit(CacheEntry entry, @Nullable Reference origin) implements Lookup {}

    /** It is known, but the layer is lost. */
    record Gone() implements Lookup {}

    /** It is not known. */
    record Unknown() implements Lookup {}
  }

  /**
   * @param scope what is built: steps of other scopes are not named as what a step was before
   * @param from asked in this order
   */
  public StepCache(LocalStore store, String scope, List<RegistryCache> from, List<Target> to) {
    this(new LocalRecords(store, scope), true, from, to);
  }

  private StepCache(LocalRecords local, boolean keeps, List<RegistryCache> from, List<Target> to) {
    this.local = local;
    this.keeps = keeps;
    this.from = List.copyOf(from);
    this.to = List.copyOf(to);
  }

  /** The local store alone. */
  public static StepCache local(LocalStore store, String scope) {
    return new StepCache(store, scope, List.of(), List.of());
  }

  /** For a build that looks nothing up: what it does is not kept. */
  public static StepCache none(LocalStore store) {
    return new StepCache(new LocalRecords(store, ""), false, List.of(), List.of());
  }

  /** Who hears of what is wrong with a cache; nothing of that fails a build. */
  public void onWarning(Consumer<String> listener) {
    from.forEach(cache -> cache.onWarning(listener));
    to.forEach(target -> target.cache().onWarning(listener));
  }

  /**
   * Whether nothing is to be expected of a lookup: there is no registry to ask, and nothing of the
   * kind was ever done here. An entry may still be there, of another scope.
   *
   * @param inputs step and instruction are enough
   */
  public boolean isNew(StepInputs inputs) {
    return (from.isEmpty() || withdrawn) && !local.hasSimilar(inputs);
  }

  /** What is written when the build is done. */
  public List<Target> targets() {
    return to;
  }

  /** The lookups of one stage, in the order of its steps; for one thread. */
  public Stage stage() {
    return new Stage();
  }

  /** The lookups of one stage. */
  public final class Stage {
    private boolean missed;

    private Stage() {}

    /**
     * Looks a key up: in the local store, in the registries' lists, then by its tag. Tags are not
     * asked for after a miss: a step that depends on one that was not known is hardly known, and
     * each would be a request.
     *
     * @param independent whether the key does not depend on the steps before
     */
    public Lookup find(String key, boolean independent) throws IOException {
      Optional<CacheEntry> here = local.find(key);
      if (here.isPresent() && local.hasLayer(here.get())) {
        return new Lookup.Hit(here.get().withKeys(List.of(key)), null);
      }
      Optional<Lookup.Hit> elsewhere = inRegistries(key, independent);
      if (elsewhere.isPresent()) {
        return elsewhere.get();
      }
      return here.isPresent() ? new Lookup.Gone() : new Lookup.Unknown();
    }

    private Optional<Lookup.Hit> inRegistries(String key, boolean independent) {
      if (withdrawn) {
        return Optional.empty();
      }
      for (RegistryCache cache : from) {
        Optional<CacheEntry> listed = cache.inList(key);
        if (listed.isPresent()) {
          return hit(listed.get(), key, cache);
        }
      }
      if (missed && !independent) {
        return Optional.empty();
      }
      for (RegistryCache cache : from) {
        Optional<CacheEntry> tagged = cache.byTag(key);
        if (tagged.isPresent()) {
          return hit(tagged.get(), key, cache);
        }
      }
      return Optional.empty();
    }

    private Optional<Lookup.Hit> hit(CacheEntry entry, String key, RegistryCache cache) {
      served.put(entry.layer().digest(), cache.repository());
      return Optional.of(new Lookup.Hit(entry.withKeys(List.of(key)), cache.repository()));
    }

    /** A step of the stage was not known. */
    public void missed() {
      missed = true;
    }
  }

  /**
   * Why a step was not found.
   *
   * @param keys it was looked up by
   */
  public String missReason(List<String> keys, StepInputs inputs) {
    for (String key : keys) {
      if (local.inputs(key).isPresent()) {
        return MissReason.ENTRY_IS_GONE;
      }
    }
    List<StepInputs> similar = new ArrayList<>(local.similar(inputs));
    if (!withdrawn) {
      for (RegistryCache cache : from) {
        cache.known().stream()
            .filter(
                then ->
                    then.step().equals(inputs.step()) || then.textHash().equals(inputs.textHash()))
            .forEach(similar::add);
      }
    }
    return MissReason.against(inputs, similar);
  }

  /** Keeps what a step came to, under all its keys. */
  public void keep(CacheEntry entry, StepInputs inputs) throws IOException {
    if (keeps) {
      for (String key : entry.keys()) {
        local.keep(key, entry);
      }
      local.keep(entry.keys().getLast(), inputs);
    }
    used(entry, inputs);
  }

  /**
   * Whether it matters what the keys of a step that was found were made of: registries' caches tell
   * it, the local store has it.
   */
  public boolean wantsInputs(Lookup.Hit hit) {
    return hit.origin() != null || !to.isEmpty();
  }

  /** A step was found; it may have been by one more key than it was kept by. */
  public void found(Lookup.Hit hit, CacheEntry withAllKeys, StepInputs inputs) throws IOException {
    if (hit.origin() == null && withAllKeys.keys().size() > hit.entry().keys().size()) {
      for (String key : withAllKeys.keys()) {
        local.keep(key, withAllKeys);
      }
    }
    boolean whole = inputs.source() == null || !inputs.files().isEmpty();
    if (hit.origin() != null && whole) {
      local.keepOnce(withAllKeys.keys().getLast(), inputs);
    }
    used(withAllKeys, inputs);
  }

  /**
   * What the keys of steps were made of. Found by a cheap key, a step's inputs lack its files; when
   * it was kept they were known.
   */
  public List<StepInputs> madeOf(List<Done> steps) {
    return steps.stream().map(this::richer).toList();
  }

  private StepInputs richer(Done step) {
    StepInputs inputs = step.inputs();
    if (inputs.source() == null || !inputs.files().isEmpty()) {
      return inputs;
    }
    return Stream.concat(
            step.entry().keys().stream().flatMap(key -> local.inputs(key).stream()),
            from.stream().flatMap(cache -> cache.known().stream()))
        .filter(kept -> kept.step().equals(inputs.step()))
        .filter(kept -> Objects.equals(kept.sourceHash(), inputs.sourceHash()))
        .filter(kept -> kept.textHash().equals(inputs.textHash()))
        .findFirst()
        .orElse(inputs);
  }

  private void used(CacheEntry entry, StepInputs inputs) {
    done.put(inputs.step(), new Done(entry, inputs));
  }

  /** The steps of this build, in the order of their names. */
  public List<Done> steps() {
    return done.values().stream()
        .sorted((a, b) -> a.inputs().step().compareTo(b.inputs().step()))
        .toList();
  }

  /** The layers that only a registry's cache promised, with the repository. */
  public Map<Digest, Reference> served() {
    return Map.copyOf(served);
  }

  /** Whether it is a layer that only a registry's cache promised. */
  public boolean hasServed(Digest layer) {
    return served.containsKey(layer);
  }

  /** The build is done once more from its start. */
  public void again() {
    done.clear();
    served.clear();
  }

  /**
   * Forgets the registries and what they said, since a layer of theirs cannot be had.
   *
   * @return whether there was something to forget
   */
  public boolean withdraw() {
    if (withdrawn || served.isEmpty()) {
      return false;
    }
    withdrawn = true;
    from.forEach(RegistryCache::turnOff);
    done.clear();
    served.clear();
    return true;
  }

  /** Whether what registries hold is not to be trusted, and written anew. */
  public boolean isWithdrawn() {
    return withdrawn;
  }
}
