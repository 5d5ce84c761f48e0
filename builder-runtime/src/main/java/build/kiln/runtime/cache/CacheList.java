package build.kiln.runtime.cache;

import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.JsonRecord;
import build.kiln.runtime.oci.JsonRecord.Field;
import java.util.List;
import java.util.Set;

/**
 * The entries of the last build of one name and platform.
 *
 * @param name what was built
 * @param platform for which
 * @param updated when, RFC 3339: keys that are in no fresh list are unused
 */
record CacheList(String name, String platform, String updated, List<CacheEntry> entries) {
  private static final Field<CacheList, String> NAME =
      Field.of("name", JsonForm.TEXT, CacheList::name);
  private static final Field<CacheList, String> PLATFORM =
      Field.of("platform", JsonForm.TEXT, CacheList::platform);
  private static final Field<CacheList, String> UPDATED =
      Field.of("updated", JsonForm.TEXT, CacheList::updated);
  private static final Field<CacheList, List<CacheEntry>> ENTRIES =
      Field.of("entries", JsonForm.list(CacheEntry.JSON), CacheList::entries);

  static final JsonForm<CacheList> JSON =
      JsonRecord.of(
          json ->
              new CacheList(
                  json.need(NAME), json.need(PLATFORM), json.need(UPDATED), json.need(ENTRIES)),
          NAME,
          PLATFORM,
          UPDATED,
          ENTRIES);

  CacheList {
    entries = List.copyOf(entries);
  }

  /** Whether it lists the same, in whatever order. */
  boolean sameAs(CacheList other) {
    return name.equals(other.name)
        && platform.equals(other.platform)
        && Set.copyOf(entries).equals(Set.copyOf(other.entries));
  }
}
