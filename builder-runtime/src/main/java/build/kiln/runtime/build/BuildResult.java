package build.kiln.runtime.build;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.Reference;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A built image. Manifest and configuration are in the local store; layers of bases and of a
 * registry's cache may still be there only.
 *
 * @param descriptor of the manifest
 * @param origins where layers of bases and of caches come from: the repository that has the blob
 * @param fromCache which of them a registry's cache promised
 * @param steps how many steps the build had
 * @param cached how many of them the cache answered
 * @param pulledBytes how much was pulled for the build
 */
public record BuildResult(
    Descriptor descriptor,
    Manifest manifest,
    ImageConfig config,
    Map<Digest, Reference> origins,
    Set<Digest> fromCache,
    int steps,
    int cached,
    long pulledBytes) {
  public BuildResult {
    origins = Map.copyOf(origins);
    fromCache = Set.copyOf(fromCache);
  }

  /** The layers' descriptors, base first. */
  public List<Descriptor> layers() {
    return manifest.layers();
  }
}
