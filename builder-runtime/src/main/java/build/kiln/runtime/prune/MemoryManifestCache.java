package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.util.HashMap;
import java.util.Map;

/** For one run: what a scan has read is there when it looks for referrers. */
public final class MemoryManifestCache implements ManifestCache {
  private final Map<String, Map<Digest, ManifestFacts>> byRepository = new HashMap<>();

  @Override
  public Map<Digest, ManifestFacts> load(String repository) {
    return byRepository.getOrDefault(repository, Map.of());
  }

  @Override
  public void save(String repository, Map<Digest, ManifestFacts> manifests) {
    byRepository.put(repository, Map.copyOf(manifests));
  }
}
