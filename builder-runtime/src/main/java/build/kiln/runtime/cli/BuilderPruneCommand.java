package build.kiln.runtime.cli;

import build.kiln.runtime.store.CacheEviction;
import build.kiln.runtime.store.CacheEviction.Outcome;
import build.kiln.runtime.store.CacheEviction.Wish;
import build.kiln.runtime.store.CacheUnit;
import build.kiln.runtime.store.CacheUnit.Kind;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code kiln builder prune}. */
final class BuilderPruneCommand extends StoreCommand {
  private boolean all;
  private @Nullable String keep;
  private @Nullable String free;
  private final PruneOptions options = new PruneOptions();

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Removes build cache: results of steps, what was pulled of bases, unpacked layers, cache",
            "mounts.",
            "What images need, and what a running build has used, stays.")
        .flag(
            "-a, --all",
            "Also what only tells how to find the layers of images again.",
            on -> all = on)
        .option(
            "--keep-storage, --max-used-space, --reserved-space=SIZE",
            "Stop when the cache has this size; what was used last stays. Units are powers of 1024.",
            text -> keep = text)
        .option(
            "--min-free-space=SIZE", "Stop when so much of the disk is free.", text -> free = text);
    options.syntax(syntax);
  }

  @Override
  void run(LocalStore store) throws CommandFailure, IOException {
    Wish wish =
        new Wish(
            all,
            time(options.filters(Set.of(PruneFilters.UNTIL), Clock.systemUTC()).until()),
            keep == null ? null : ByteSizes.parse("--keep-storage", keep),
            free == null ? null : ByteSizes.parse("--min-free-space", free));
    options.confirm(
        all ? "This will remove all build cache. " : "This will remove all dangling build cache. ",
        System.out);
    Outcome outcome = new CacheEviction(store).run(wish);
    print(outcome);
  }

  static @Nullable FileTime time(@Nullable Instant time) {
    return time == null ? null : FileTime.from(time);
  }

  private static void print(Outcome outcome) {
    var rows = new ArrayList<List<String>>();
    rows.add(List.of("ID", "TYPE", "SIZE", "LAST ACCESSED"));
    for (CacheUnit unit : outcome.removed()) {
      if (unit.kind() != Kind.RECORD) {
        rows.add(
            List.of(
                unit.id(),
                unit.kind().name().toLowerCase(Locale.ROOT),
                Table.size(unit.size()),
                Table.ago(unit.used().toInstant().toString(), Clock.systemUTC())));
      }
    }
    if (rows.size() > 1) {
      Table.print(System.out, rows);
    }
    System.out.println("Total: " + Table.size(outcome.reclaimed()));
  }
}
