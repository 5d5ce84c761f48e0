package build.kiln.runtime.build;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.store.LocalStore;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.io.IOException;
import java.util.Optional;

/**
 * What steps came to, by the hash of all they depend on, in the local store. A record whose layer
 * is gone, or that cannot be read, is a miss.
 */
final class StepCache {
  private final LocalStore store;

  /**
   * What a step came to.
   *
   * @param layer the layer's blob
   * @param created when the step ran, RFC 3339: a build from the cache has the same history
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Entry(Descriptor layer, Digest diffId, String created) {
    /**
     * @throws OciException if something is missing, as in a record of another version
     */
    @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
    Entry {
      if (layer == null || diffId == null || created == null) {
        throw new OciException("a cache record without layer, diff ID or time");
      }
    }

    static Entry of(Layer layer, String created) {
      return new Entry(layer.descriptor(), layer.diffId(), created);
    }

    Layer asLayer() {
      return new Layer(layer, diffId);
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
      return store.has(entry.layer()) ? Optional.of(entry) : Optional.empty();
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }

  void keep(String key, Entry entry) throws IOException {
    store.putCache(key, Json.write(entry));
  }
}
