package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Where credentials come from. Asked for every request, so that one which expires or changes in
 * mid-build is renewed; implementations cache what is dear to get. Thread-safe.
 */
@FunctionalInterface
public interface Credentials {
  /**
   * The credential for a repository, or empty to ask without one.
   *
   * @throws RegistryException if a source exists but cannot be read
   */
  Optional<Credential> forRepository(Reference repository) throws IOException;

  /** No credentials at all. */
  static Credentials anonymous() {
    return repository -> Optional.empty();
  }

  /** The first source that has one. */
  static Credentials firstOf(List<Credentials> sources) {
    List<Credentials> copy = List.copyOf(sources);
    return repository -> {
      for (Credentials source : copy) {
        Optional<Credential> found = source.forRepository(repository);
        if (found.isPresent()) {
          return found;
        }
      }
      return Optional.empty();
    };
  }
}
