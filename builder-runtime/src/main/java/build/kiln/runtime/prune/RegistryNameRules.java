package build.kiln.runtime.prune;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Registry;
import build.kiln.runtime.oci.OciException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A policy writes each registry with one name, or a repository would have two, of which each is
 * governed by other rules; and an alias is of one registry.
 */
final class RegistryNameRules {
  private final ImagePrunePolicySpec spec;

  private RegistryNameRules(ImagePrunePolicySpec spec) {
    this.spec = spec;
  }

  /**
   * @throws PruneException POLICY_INVALID, naming the field
   */
  static void check(ImagePrunePolicySpec spec) throws PruneException {
    var rules = new RegistryNameRules(spec);
    rules.checkAliases();
    rules.checkNames(new RegistryNames(PolicyReader.aliases(spec)));
  }

  private void checkAliases() throws PruneException {
    var plain = new RegistryNames(List.of());
    Map<String, String> aliasOf = new HashMap<>();
    for (int i = 0; i < spec.images().size(); i++) {
      Registry registry = spec.images().get(i);
      String field = "registries[" + i + "].aliases";
      Set<String> hosts =
          registry.repositories().stream()
              .map(repository -> plain.registry(Reclaimed.registry(repository)))
              .collect(Collectors.toCollection(TreeSet::new));
      for (String alias : Objects.requireNonNullElse(registry.aliases(), List.<String>of())) {
        if (hosts.size() > 1) {
          throw PolicyReader.invalid(
              field,
              "they are other names of one registry, and repositories has %s: write an entry for each"
                  .formatted(String.join(" and ", hosts)));
        }
        String host = hosts.iterator().next();
        String before = aliasOf.putIfAbsent(name(plain, field, alias), host);
        if (before != null && !before.equals(host)) {
          throw PolicyReader.invalid(
              field,
              "\"%s\" is an alias of %s in an earlier entry, and cannot be one of %s too: remove one of them"
                  .formatted(alias, before, host));
        }
      }
    }
  }

  private static String name(RegistryNames names, String field, String alias)
      throws PruneException {
    try {
      return names.registry(new RegistryAlias(alias, alias).alias());
    } catch (OciException e) {
      throw PolicyReader.invalid(field, String.valueOf(e.getMessage()));
    }
  }

  private void checkNames(RegistryNames names) throws PruneException {
    Map<String, String> written = new HashMap<>();
    for (var list : lists().entrySet()) {
      for (String repository : list.getValue()) {
        String host = Reclaimed.registry(Names.canonical(repository));
        String before = written.putIfAbsent(names.registry(host), host);
        if (before != null && !before.equals(host)) {
          throw PolicyReader.invalid(
              list.getKey(),
              "in \"%s\" the registry is the one that is written %s elsewhere: write it with one name"
                  .formatted(repository, before));
        }
      }
    }
  }

  /** All lists of repositories, by their fields. */
  private Map<String, List<String>> lists() {
    Map<String, List<String>> lists = new LinkedHashMap<>();
    for (int i = 0; i < spec.images().size(); i++) {
      Registry registry = spec.images().get(i);
      lists.put("registries[" + i + "].repositories", registry.repositories());
      lists.put(
          "registries[" + i + "].exclude",
          Objects.requireNonNullElse(registry.exclude(), List.of()));
    }
    for (int i = 0; i < spec.caches().size(); i++) {
      lists.put("cache[" + i + "].repositories", spec.caches().get(i).repositories());
    }
    return lists;
  }
}
