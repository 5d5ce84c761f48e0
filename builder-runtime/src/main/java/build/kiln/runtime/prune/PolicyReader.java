package build.kiln.runtime.prune;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Label;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Protect;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Registry;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Rule;
import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.prune.PrunePolicy.KeepSemver;
import build.kiln.runtime.prune.PrunePolicy.Limits;
import build.kiln.runtime.prune.PrunePolicy.Protection;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.PrunePolicy.TagRule;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the planner's policy of the resource, and finds what the API server cannot: patterns, paths
 * and time zones that are none, and entries that can never be asked.
 */
public final class PolicyReader {
  private PolicyReader() {}

  /**
   * @param name the resource's name
   * @throws PruneException POLICY_INVALID, naming the field
   */
  public static PrunePolicy read(String name, ImagePrunePolicySpec spec) throws PruneException {
    timeZone(spec.timeZone());
    RegistryNameRules.check(spec);
    List<RegistryRules> registries = new ArrayList<>();
    for (int i = 0; i < spec.images().size(); i++) {
      Registry registry = spec.images().get(i);
      RegistryRules rules = registry("registries[" + i + "]", registry);
      mustBeAsked(rules, registry.repositories(), registries);
      registries.add(rules);
    }
    Duration grace = Durations.parse(spec.gracePeriod());
    for (CachePolicy cache : caches(spec)) {
      RegistryRules rules = cache.rules(grace);
      int number = registries.size() - spec.images().size();
      mustBeAsked(rules, spec.caches().get(number).repositories(), registries);
      registries.add(rules);
    }
    Protect protect = spec.protect();
    return new PrunePolicy(
        name,
        registries,
        new Protection(
            protect.inUse(), regexes("protect.tags", protect.tags()), labels(protect.labels())),
        new Limits(spec.limits().maxDeletions(), spec.limits().maxPercent()),
        grace);
  }

  /**
   * What an earlier entry governs is never looked up in a later one: that is not what was meant.
   */
  private static void mustBeAsked(
      RegistryRules rules, List<String> repositories, List<RegistryRules> earlier)
      throws PruneException {
    for (String written : repositories) {
      String name = Names.canonical(written);
      String pattern = Globs.compile(name).pattern();
      Optional<RegistryRules> first =
          earlier.stream()
              .filter(
                  entry ->
                      name.indexOf('*') < 0
                          ? rules.governs(name) && entry.governs(name)
                          : entry.repositories().stream()
                              .anyMatch(other -> other.pattern().equals(pattern)))
              .findFirst();
      if (first.isPresent()) {
        throw invalid(
            rules.name() + ".repositories",
            "%s comes first and governs \"%s\", so this entry would not be asked: put it before that one, or exclude the repository there"
                .formatted(first.get().name(), written));
      }
    }
  }

  /** The caches of a policy. */
  public static List<CachePolicy> caches(ImagePrunePolicySpec spec) {
    List<CachePolicy> caches = new ArrayList<>();
    for (ImagePrunePolicySpec.Cache cache : spec.caches()) {
      Quantity size = cache.maxSize();
      caches.add(
          new CachePolicy(
              "cache[" + caches.size() + "]",
              repositories(cache.repositories()),
              Durations.parse(cache.unusedFor()),
              size == null ? Long.MAX_VALUE : size.getNumericalAmount().longValue()));
    }
    return caches;
  }

  /** All patterns of repositories that a policy names, of images and of caches. */
  public static List<String> patterns(ImagePrunePolicySpec spec) {
    return Stream.concat(
            spec.images().stream().flatMap(r -> r.repositories().stream()),
            spec.caches().stream().flatMap(c -> c.repositories().stream()))
        .toList();
  }

  /** Other names of the policy's registries. */
  public static List<RegistryAlias> aliases(ImagePrunePolicySpec spec) {
    List<RegistryAlias> aliases = new ArrayList<>();
    for (Registry registry : spec.images()) {
      String host = Reclaimed.registry(registry.repositories().getFirst());
      orNone(registry.aliases()).forEach(alias -> aliases.add(new RegistryAlias(host, alias)));
    }
    return aliases;
  }

  /**
   * Where other kinds refer to images.
   *
   * @throws PruneException POLICY_INVALID, naming the field
   */
  public static List<Source> sources(ImagePrunePolicySpec spec) throws PruneException {
    List<Source> sources = new ArrayList<>();
    for (ImagePrunePolicySpec.ExtraSource extra : orNone(spec.protect().extraSources())) {
      try {
        sources.add(
            new Source(
                extra.apiVersion(),
                extra.kind(),
                JsonPath.parse(extra.jsonPath()),
                extra.optional()));
      } catch (IllegalArgumentException e) {
        throw invalid(
            "protect.extraSources[%d].jsonPath".formatted(sources.size()),
            String.valueOf(e.getMessage()));
      }
    }
    return sources;
  }

  private static RegistryRules registry(String field, Registry registry) throws PruneException {
    List<TagRule> rules = new ArrayList<>();
    for (Rule rule : orNone(registry.rules())) {
      rules.add(rule("%s.rules[%d]".formatted(field, rules.size()), rule));
    }
    return new RegistryRules(
        field,
        repositories(registry.repositories()),
        repositories(orNone(registry.exclude())),
        rules,
        Optional.ofNullable(registry.untagged()).map(u -> Durations.parse(u.olderThan())),
        orNone(registry.sharedWith()));
  }

  private static TagRule rule(String field, Rule rule) throws PruneException {
    ImagePrunePolicySpec.Semver semver = rule.keepSemver();
    Integer last = rule.keepLast();
    String regex = rule.match().regex();
    Optional<Duration> younger = Optional.ofNullable(rule.keepYoungerThan()).map(Durations::parse);
    return new TagRule(
        field,
        globs(orNone(rule.match().tags())),
        regex == null ? null : regex(field + ".match.regex", regex),
        globs(orNone(rule.match().exclude())),
        last == null ? 0 : last,
        younger,
        Optional.ofNullable(semver)
            .map(s -> new KeepSemver(orAll(s.majors()), orAll(s.minors()), orAll(s.patches()))));
  }

  private static int orAll(@Nullable Integer number) {
    return number == null ? 0 : number;
  }

  private static <T> List<T> orNone(@Nullable List<T> list) {
    return list == null ? List.of() : list;
  }

  /** As repositories are named here. */
  private static List<Pattern> repositories(List<String> globs) {
    return globs(globs.stream().map(Names::canonical).toList());
  }

  private static List<Pattern> globs(List<String> globs) {
    return globs.stream().map(Globs::compile).toList();
  }

  private static List<Pattern> regexes(String field, @Nullable List<String> texts)
      throws PruneException {
    List<Pattern> patterns = new ArrayList<>();
    for (String text : orNone(texts)) {
      patterns.add(regex("%s[%d]".formatted(field, patterns.size()), text));
    }
    return patterns;
  }

  private static Pattern regex(String field, String text) throws PruneException {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw invalid(
          field, "\"%s\" is not a regular expression: %s".formatted(text, e.getDescription()));
    }
  }

  private static Map<String, String> labels(@Nullable List<Label> labels) {
    Map<String, String> wanted = new HashMap<>();
    for (Label label : orNone(labels)) {
      String value = label.value();
      wanted.put(label.name(), value == null ? "" : value);
    }
    return wanted;
  }

  private static void timeZone(@Nullable String zone) throws PruneException {
    try {
      if (zone != null) {
        ZoneId.of(zone);
      }
    } catch (DateTimeException e) {
      throw invalid("timeZone", "\"" + zone + "\" is no time zone; want one such as Europe/Zurich");
    }
  }

  static PruneException invalid(String field, String why) {
    return new PruneException(Code.POLICY_INVALID, "spec." + field + ": " + why);
  }
}
