package build.kiln.runtime.prune;

import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Finds the repositories that a policy's patterns name. */
public final class Repositories {
  private Repositories() {}

  /**
   * Those that are named without a pattern, and of a registry that a pattern is for those that it
   * lists, or that were seen before.
   *
   * @param patterns registry and repository, of which the repository may be a pattern
   * @param ledger what was seen before
   * @throws PruneException if a registry does not list its repositories
   */
  public static Set<String> find(
      RegistryClient client, PrunePolicy policy, Collection<String> patterns, Ledger ledger)
      throws IOException {
    Set<String> found = new TreeSet<>();
    Map<String, List<String>> listed = new HashMap<>();
    for (String written : patterns) {
      String pattern = Names.canonical(written);
      String registry = Reclaimed.registry(pattern);
      if (pattern.indexOf('*') < 0) {
        found.add(pattern);
      } else if (!listed.containsKey(registry)) {
        listed.put(registry, list(client, registry, pattern));
      }
    }
    List<String> candidates = new ArrayList<>(ledger.repositories().keySet());
    listed.values().forEach(candidates::addAll);
    candidates.stream()
        .filter(name -> listed.containsKey(Reclaimed.registry(name)))
        .forEach(found::add);
    found.removeIf(name -> policy.rulesFor(name).isEmpty());
    return found;
  }

  private static List<String> list(RegistryClient client, String registry, String pattern)
      throws IOException {
    try {
      return client.listRepositories(registry).stream().map(r -> registry + "/" + r).toList();
    } catch (RegistryException e) {
      if (e.retryable()) {
        throw e;
      }
      throw new PruneException(
          Code.POLICY_INVALID,
          "%s is a pattern, and %s does not list its repositories (%s): name each one"
              .formatted(pattern, registry, e.getMessage()),
          e);
    }
  }
}
