package build.kiln.runtime.cli;

import build.kiln.runtime.cache.RegistryCache;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cache.StepCache.Mode;
import build.kiln.runtime.cache.StepCache.Target;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Options that say which caches a build uses besides the local store. */
final class CacheOptions {
  private List<String> cacheFrom = List.of();
  private List<String> cacheTo = List.of();
  private @Nullable String cacheRepository;

  /** Adds these options. */
  void syntax(Syntax syntax) {
    syntax
        .list(
            "--cache-from=CACHE",
            "type=registry,ref=HOST/REPOSITORY[:NAME]: look steps up there too; may be given several times.",
            values -> cacheFrom = values)
        .list(
            "--cache-to=CACHE",
            "type=registry,ref=HOST/REPOSITORY[:NAME][,mode=min|max]: write the steps there; min, the default, those in the image, max those of all stages.",
            values -> cacheTo = values)
        .option(
            "--cache-repo=HOST/REPOSITORY",
            "Short for --cache-from and --cache-to with mode=max.",
            text -> cacheRepository = text);
  }

  /** The caches that were asked for. */
  record Chosen(List<CacheSpec> from, List<CacheSpec> to) {
    /**
     * Opens them.
     *
     * @param scope what is built, for the local store
     * @param name what is built, for a registry's cache that was given none
     */
    StepCache open(Engine engine, String scope, String name, Platform platform) {
      Map<List<Object>, RegistryCache> opened = new LinkedHashMap<>();
      var sources = new ArrayList<RegistryCache>();
      from.forEach(spec -> sources.add(open(engine, spec, name, platform, opened)));
      var targets = new ArrayList<Target>();
      to.forEach(
          spec -> targets.add(new Target(open(engine, spec, name, platform, opened), spec.mode())));
      return new StepCache(engine.store(), scope, sources, targets);
    }

    private static RegistryCache open(
        Engine engine,
        CacheSpec spec,
        String name,
        Platform platform,
        Map<List<Object>, RegistryCache> opened) {
      String own = Optional.ofNullable(spec.name()).orElse(name);
      Reference repository = spec.repository();
      return opened.computeIfAbsent(
          List.of(repository.name(), own),
          key ->
              new RegistryCache(engine.registry(), repository, own, platform, Clock.systemUTC()));
    }
  }

  /**
   * Reads them.
   *
   * @throws CommandFailure for one that is none
   */
  Chosen parse() throws CommandFailure {
    var from = new ArrayList<CacheSpec>();
    var to = new ArrayList<CacheSpec>();
    for (String text : cacheFrom) {
      from.add(CacheSpec.parse("--cache-from", text));
    }
    for (String text : cacheTo) {
      to.add(CacheSpec.parse("--cache-to", text));
    }
    if (cacheRepository != null) {
      CacheSpec both = CacheSpec.parse("--cache-repo", cacheRepository);
      from.add(both);
      to.add(new CacheSpec(both.repository(), both.name(), Mode.max));
    }
    return new Chosen(from, to);
  }
}
