package build.kiln.runtime.cli;

import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreImages;
import build.kiln.runtime.store.StoreImages.Image;
import build.kiln.runtime.store.StoreImages.Removed;
import java.io.IOException;
import java.time.Clock;
import java.util.Set;

/** {@code kiln image prune}. */
final class ImagePruneCommand extends StoreCommand {
  private boolean all;
  private final PruneOptions options = new PruneOptions();

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Removes images that have no name, and the layers that only they need.",
            "Layers that are results of steps stay as a cache.")
        .flag(
            "-a, --all",
            "Also those that have names, unless a running build uses them.",
            on -> all = on);
    options.syntax(syntax);
  }

  @Override
  void run(LocalStore store) throws CommandFailure, IOException {
    PruneFilters filters =
        options.filters(Set.of(PruneFilters.UNTIL, PruneFilters.LABEL), Clock.systemUTC());
    options.confirm("This will remove %s.\n".formatted(what(all)), System.out);
    Removed removed = remove(store, all, filters);
    print(removed);
    System.out.println("Total reclaimed space: " + Table.size(removed.reclaimed()));
  }

  static String what(boolean all) {
    return all ? "all images that no running build uses" : "all dangling images";
  }

  static Removed remove(LocalStore store, boolean all, PruneFilters filters) throws IOException {
    return new StoreImages(store)
        .remove(image -> (all || image.isDangling()) && filters.accepts(image));
  }

  static void print(Removed removed) {
    if (removed.images().isEmpty()) {
      return;
    }
    System.out.println("Deleted Images:");
    for (Image image : removed.images()) {
      image.names().forEach(name -> System.out.println("untagged: " + name));
      System.out.println("deleted: " + image.descriptor().digest());
    }
    System.out.println();
  }
}
