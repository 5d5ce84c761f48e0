package build.kiln.runtime.build;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.LocalStore;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What steps came to, by the hash of all they depend on, in the local store. A record whose layer
 * is gone, or that cannot be read, is a miss.
 */
final class StepCache {
  private final LocalStore store;

  /**
   * What a step came to.
   *
   * @param layer the layer's blob; null if the step changed no file
   * @param created when the step ran, RFC 3339: a build from the cache has the same history
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Entry(@Nullable Descriptor layer, @Nullable Digest diffId, String created) {
    static Entry of(@Nullable Layer layer, String created) {
      return new Entry(
          layer == null ? null : layer.descriptor(), layer == null ? null : layer.diffId(), created);
    }

    Optional<Layer> asLayer() {
      return layer == null || diffId == null
          ? Optional.empty()
          : Optional.of(new Layer(layer, diffId));
    }
  }

  StepCache(LocalStore store) {
    this.store = store;
  }

  Optional<Entry> find(String key) throws IOException {
    Optional<byte[]> found = store.getCache(key);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try {
      Entry entry = Json.read(found.get(), Entry.class, "cache record");
      return entry.layer() == null || store.has(entry.layer())
          ? Optional.of(entry)
          : Optional.empty();
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }

  void keep(String key, Entry entry) throws IOException {
    store.putCache(key, Json.write(entry));
  }
}
