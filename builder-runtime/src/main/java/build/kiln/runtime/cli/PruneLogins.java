package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.SecretRef;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.PrunePolicy;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.registry.Credential;
import build.kiln.runtime.registry.Credentials;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The logins of a policy: for each repository those of the entry that governs it. What no entry
 * governs is a registry's list of repositories, for which the first login that fits is taken.
 */
final class PruneLogins implements Credentials {
  private final PrunePolicy policy;
  private final Map<String, Credentials> byEntry;
  private final Credentials any;

  private PruneLogins(PrunePolicy policy, Map<String, Credentials> byEntry) {
    this.policy = policy;
    this.byEntry = byEntry;
    this.any = Credentials.firstOf(List.copyOf(byEntry.values()));
  }

  /**
   * @param desk whose user's own logins come last; null in a pod
   * @throws java.nio.file.NoSuchFileException if a Secret is not there
   */
  static PruneLogins of(
      String name, ImagePrunePolicySpec spec, SecretFiles secrets, @Nullable Desk desk)
      throws IOException {
    Map<String, @Nullable SecretRef> entries = new LinkedHashMap<>();
    spec.images().forEach(r -> entries.put("registries[" + entries.size() + "]", r.secretRef()));
    int images = entries.size();
    spec.caches()
        .forEach(c -> entries.put("cache[" + (entries.size() - images) + "]", c.secretRef()));
    Map<String, Credentials> logins = new LinkedHashMap<>();
    for (var entry : entries.entrySet()) {
      SecretRef secret = entry.getValue();
      logins.put(
          entry.getKey(),
          secrets.logins(secret == null ? List.of() : List.of(secret.name()), desk));
    }
    return new PruneLogins(PolicyReader.read(name, spec), logins);
  }

  @Override
  public Optional<Credential> forRepository(Reference repository) throws IOException {
    Credentials its =
        policy.rulesFor(repository).map(RegistryRules::name).map(byEntry::get).orElse(any);
    return its.forRepository(repository);
  }
}
