package build.kiln.runtime.prune;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.prune.Warning.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which repositories of a policy others name too. Each policy has a ledger of its own and keeps
 * what it must; but what one lets go is gone for both.
 */
public final class OtherPolicies {
  /** A policy. */
  public record Named(String name, ImagePrunePolicySpec spec) {}

  /** Lists all policies that there are, the one that asks among them. */
  @FunctionalInterface
  public interface All {
    List<Named> list() throws IOException;
  }

  private final Named own;
  private final List<Named> others;

  /**
   * @param all the policy itself among them
   */
  OtherPolicies(Named own, List<Named> all) {
    this.own = own;
    this.others = all.stream().filter(policy -> !policy.name.equals(own.name)).toList();
  }

  /** What a person should know of repositories that the policy looks at. */
  Optional<Warning> overlap(Collection<String> repositories) {
    List<String> found = new ArrayList<>();
    for (Named other : others) {
      RegistryNames names =
          new RegistryNames(
              Stream.of(own, other)
                  .flatMap(policy -> PolicyReader.aliases(policy.spec).stream())
                  .toList());
      for (String repository : repositories) {
        entry(other.spec, names, names.repository(repository))
            .ifPresent(
                entry -> found.add("%s (policy %s, %s)".formatted(repository, other.name, entry)));
      }
    }
    return found.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Warning(
                Kind.PoliciesOverlap,
                "repositories are in other policies too, and what one of them lets go is gone for both: "
                    + Few.of(found.stream().sorted().toList())));
  }

  private static Optional<String> entry(
      ImagePrunePolicySpec spec, RegistryNames names, String repository) {
    for (int i = 0; i < spec.images().size(); i++) {
      var registry = spec.images().get(i);
      List<String> exclude = Objects.requireNonNullElse(registry.exclude(), List.of());
      if (matches(registry.repositories(), names, repository)
          && !matches(exclude, names, repository)) {
        return Optional.of("registries[" + i + "]");
      }
    }
    for (int i = 0; i < spec.caches().size(); i++) {
      if (matches(spec.caches().get(i).repositories(), names, repository)) {
        return Optional.of("cache[" + i + "]");
      }
    }
    return Optional.empty();
  }

  private static boolean matches(List<String> globs, RegistryNames names, String repository) {
    return globs.stream()
        .map(glob -> Globs.compile(names.prefix(Names.canonical(glob))))
        .anyMatch(pattern -> pattern.matcher(repository).matches());
  }
}
