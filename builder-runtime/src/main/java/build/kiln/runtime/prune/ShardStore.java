package build.kiln.runtime.prune;

import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the ledger lies: named values of less than 1 MiB each, which are written only if nobody
 * else has since they were read. A directory at a desk, ConfigMaps in a cluster.
 */
public interface ShardStore {
  /**
   * A value as it was read.
   *
   * @param version names this state of it
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared; the version is
  record Stored(byte[] bytes, String version) {}

  /** All values, by name. */
  Map<String, Stored> load() throws IOException;

  /**
   * Writes a value.
   *
   * @param name letters, digits and hyphens
   * @param version what it must be now; null if it must not be there
   * @return false if it is not so; nothing was written then
   */
  boolean put(String name, byte[] bytes, @Nullable String version) throws IOException;

  /**
   * Removes a value.
   *
   * @return false if it is not what it was; it stays then
   */
  boolean remove(String name, String version) throws IOException;
}
