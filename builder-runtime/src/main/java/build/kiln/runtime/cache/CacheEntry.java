package build.kiln.runtime.cache;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.JsonRecord;
import build.kiln.runtime.oci.JsonRecord.Field;
import build.kiln.runtime.oci.OciException;
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
public record CacheEntry(
    Descriptor layer, Digest diffId, String created, @Nullable List<String> keys) {
  private static final Field<CacheEntry, Descriptor> LAYER =
      Field.ifAny("layer", Descriptor.JSON, CacheEntry::layer);
  private static final Field<CacheEntry, Digest> DIFF_ID =
      Field.ifAny("diffId", Digest.JSON, CacheEntry::diffId);
  private static final Field<CacheEntry, String> CREATED =
      Field.ifAny("created", JsonForm.TEXT, CacheEntry::created);
  private static final Field<CacheEntry, List<String>> KEYS =
      Field.ifAny("keys", JsonForm.TEXTS, CacheEntry::keys);

  static final JsonForm<CacheEntry> JSON =
      JsonRecord.of(
          json ->
              new CacheEntry(
                  json.need(LAYER), json.need(DIFF_ID), json.need(CREATED), json.get(KEYS)),
          LAYER,
          DIFF_ID,
          CREATED,
          KEYS);

  /**
   * @throws OciException if something is missing, as in a record of another version
   */
  public CacheEntry {
    if (layer.mediaType().isEmpty()) {
      throw new OciException("a cache record whose layer has no media type");
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
