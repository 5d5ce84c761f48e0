package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one scan found in one repository.
 *
 * @param name registry and repository, such as {@code registry.example.com/shop/api}
 * @param tags all tags, and what each points at
 * @param manifests all that is known to be there: what tags point at, what those list, referrers,
 *     and what lost its tags since it was first seen
 * @param missing digests that others point at and the registry says it has not
 * @param failure why the repository could not be read; nothing may be deleted in it then
 */
public record RepositoryInventory(
    String name,
    Map<String, Digest> tags,
    Map<Digest, ManifestFacts> manifests,
    Set<Digest> missing,
    @Nullable String failure) {

  public static RepositoryInventory failed(String name, String why) {
    return new RepositoryInventory(name, Map.of(), Map.of(), Set.of(), why);
  }
}
