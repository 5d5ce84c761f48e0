package build.kiln.runtime.cache;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a step came to.
 *
 * @param layer the layer's blob
 * @param created when the step ran, RFC 3339: a build from the cache has the same history
 * @param keys all keys under which it was kept
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record CacheEntry(
    Descriptor layer, Digest diffId, String created, @Nullable List<String> keys) {
  /**
   * @throws OciException if something is missing, as in a record of another version
   */
  @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
  public CacheEntry {
    if (layer == null
        || layer.mediaType() == null
        || layer.digest() == null
        || diffId == null
        || created == null) {
      throw new OciException("a cache record without layer, diff ID or time");
    }
    keys = keys == null ? List.of() : List.copyOf(keys);
  }

  /** What a step made just now. */
  public static CacheEntry of(Layer layer, String created) {
    return new CacheEntry(layer.descriptor(), layer.diffId(), created, List.of());
  }

  /** The keys under which it was kept. */
  @Override
  public List<String> keys() {
    return keys == null ? List.of() : keys;
  }

  public Layer asLayer() {
    return new Layer(layer, diffId);
  }

  /** Known by these keys too. */
  public CacheEntry withKeys(Collection<String> more) {
    var all = new LinkedHashSet<>(keys());
    all.addAll(more);
    return new CacheEntry(layer, diffId, created, List.copyOf(all));
  }

  /** With nothing that could lead elsewhere than to the blob: what others wrote is not followed. */
  CacheEntry bare() {
    return new CacheEntry(
        Descriptor.of(layer.mediaType(), layer.digest(), layer.size()), diffId, created, keys);
  }
}
