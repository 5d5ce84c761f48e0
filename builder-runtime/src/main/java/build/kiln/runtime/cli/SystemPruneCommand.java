package build.kiln.runtime.cli;

import build.kiln.runtime.store.CacheEviction;
import build.kiln.runtime.store.CacheEviction.Outcome;
import build.kiln.runtime.store.CacheEviction.Wish;
import build.kiln.runtime.store.CacheUnit;
import build.kiln.runtime.store.CacheUnit.Kind;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreImages.Removed;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Set;

/** {@code kiln system prune}: images, then the cache. */
final class SystemPruneCommand extends StoreCommand {
  private boolean all;
  private final PruneOptions options = new PruneOptions();

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Removes images that have no name, and the build cache.",
            "What a running build has used stays.")
        .flag("-a, --all", "Also images that have names, and all of the cache.", on -> all = on);
    options.syntax(syntax);
  }

  @Override
  void run(LocalStore store) throws CommandFailure, IOException {
    PruneFilters filters =
        options.filters(Set.of(PruneFilters.UNTIL, PruneFilters.LABEL), Clock.systemUTC());
    // The cache has no labels that could be looked at.
    boolean cacheToo = filters.labels().isEmpty();
    options.confirm(warning(cacheToo), System.out);
    Removed images = ImagePruneCommand.remove(store, all, filters);
    ImagePruneCommand.print(images);
    Outcome cache =
        cacheToo
            ? new CacheEviction(store)
                .run(new Wish(all, BuilderPruneCommand.time(filters.until()), null, null))
            : new Outcome(List.of(), 0);
    List<CacheUnit> shown =
        cache.removed().stream().filter(unit -> unit.kind() != Kind.RECORD).toList();
    if (!shown.isEmpty()) {
      System.out.println("Deleted build cache objects:");
      shown.forEach(unit -> System.out.println(unit.id()));
      System.out.println();
    }
    System.out.println(
        "Total reclaimed space: " + Table.size(images.reclaimed() + cache.reclaimed()));
  }

  private String warning(boolean cacheToo) {
    String cache = all ? "all build cache" : "unused build cache";
    return "This will remove:\n  - %s\n%s\n"
        .formatted(ImagePruneCommand.what(all), cacheToo ? "  - " + cache + "\n" : "");
  }
}
