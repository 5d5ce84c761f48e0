package build.kiln.runtime.node;

import java.io.IOException;
import java.util.Optional;

/** Where the report of a node lies until the next run. */
public interface NodeStore {
  /** The last one that was kept; empty if there is none. */
  Optional<byte[]> load() throws IOException;

  /** Replaces it. */
  void save(byte[] report) throws IOException;
}
