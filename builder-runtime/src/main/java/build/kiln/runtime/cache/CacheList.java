package build.kiln.runtime.cache;

import build.kiln.runtime.oci.OciException;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;
import java.util.Set;

/**
 * The entries of the last build of one name and platform.
 *
 * @param name what was built
 * @param platform for which
 * @param updated when, RFC 3339: keys that are in no fresh list are unused
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record CacheList(String name, String platform, String updated, List<CacheEntry> entries) {
  /**
   * @throws OciException if something is missing, as in a list of another version
   */
  @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
  CacheList {
    if (name == null || platform == null || updated == null || entries == null) {
      throw new OciException("a list of cache entries without name, platform, time or entries");
    }
    entries = List.copyOf(entries);
  }

  /** Whether it lists the same, in whatever order. */
  boolean sameAs(CacheList other) {
    return name.equals(other.name)
        && platform.equals(other.platform)
        && Set.copyOf(entries).equals(Set.copyOf(other.entries));
  }
}
