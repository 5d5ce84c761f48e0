package build.kiln.runtime.cache;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The step cache in the local store. Beside the entries by key it has the inputs by key, and for a
 * step and for an instruction's text the last keys that they had.
 */
final class LocalRecords {
  private static final int REMEMBERED = 4;

  private final LocalStore store;
  private final String scope;

  /**
   * @param scope what is built: steps of different scopes are never each other's earlier ones
   */
  LocalRecords(LocalStore store, String scope) {
    this.store = store;
    this.scope = scope;
  }

  /** Whether the step, or an instruction of the same text, was ever done in this scope. */
  boolean hasSimilar(StepInputs inputs) {
    return !keys(step(inputs)).isEmpty() || !keys(text(inputs)).isEmpty();
  }

  /** The entry of a key, whether its layer is there or not. */
  Optional<CacheEntry> find(String key) {
    return store.getCache(key).flatMap(bytes -> read(bytes, CacheEntry.JSON));
  }

  boolean hasLayer(CacheEntry entry) throws IOException {
    return store.has(entry.layer());
  }

  void keep(String key, CacheEntry entry) throws IOException {
    store.putCache(key, Json.write(entry, CacheEntry.JSON));
  }

  /** Remembers what a key was made of. */
  void keep(String key, StepInputs inputs) throws IOException {
    store.putCache(inputsRecord(key), Json.write(inputs, StepInputs.JSON));
    remember(step(inputs), key);
    remember(text(inputs), key);
  }

  /** Remembers it if it is not known; entries of registries are not, what they were made of is. */
  void keepOnce(String key, StepInputs inputs) throws IOException {
    if (inputs(key).isEmpty()) {
      keep(key, inputs);
    }
  }

  /** What earlier keys of the step, and of instructions with the same text, were made of. */
  List<StepInputs> similar(StepInputs inputs) {
    Set<String> keys = new LinkedHashSet<>(keys(step(inputs)));
    keys.addAll(keys(text(inputs)));
    return keys.stream().flatMap(key -> inputs(key).stream()).toList();
  }

  Optional<StepInputs> inputs(String key) {
    return store.getCache(inputsRecord(key)).flatMap(bytes -> read(bytes, StepInputs.JSON));
  }

  private void remember(String list, String key) throws IOException {
    var keys = new ArrayList<>(keys(list));
    keys.remove(key);
    keys.addFirst(key);
    List<String> kept = keys.subList(0, Math.min(REMEMBERED, keys.size()));
    store.putCache(list, Json.write(kept, JsonForm.TEXTS));
  }

  private List<String> keys(String list) {
    return store.getCache(list).flatMap(bytes -> read(bytes, JsonForm.TEXTS)).orElse(List.of());
  }

  private static String inputsRecord(String key) {
    return "inputs:" + key;
  }

  private String step(StepInputs inputs) {
    return "step:" + Hashes.of(scope, inputs.step());
  }

  private String text(StepInputs inputs) {
    return "text:" + Hashes.of(scope, inputs.textHash());
  }

  private static <T> Optional<T> read(byte[] bytes, JsonForm<T> form) {
    try {
      return Optional.of(Json.read(bytes, form, "cache record"));
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }
}
