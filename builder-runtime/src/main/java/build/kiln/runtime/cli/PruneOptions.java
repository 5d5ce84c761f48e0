package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The options that all removals have, and the question before them. */
final class PruneOptions {
  private List<String> filters = List.of();
  private boolean force;

  /** Adds these options. */
  void syntax(Syntax syntax) {
    syntax
        .list(
            "--filter=FILTER",
            "until=TIME: only what is older than a duration (24h) or a time (2026-01-31T12:00:00Z). label=KEY[=VALUE], label!=KEY[=VALUE]: only images that have it, or have it not.",
            values -> filters = values)
        .flag("-f, --force", "Do not ask.", on -> force = on);
  }

  /** The filters, of which only some may be known. */
  PruneFilters filters(Set<String> known, Clock clock) throws CommandFailure {
    return PruneFilters.parse(filters, known, clock);
  }

  /**
   * Asks whether to go on.
   *
   * @throws CommandFailure if the answer is not yes, or there is none
   */
  void confirm(String warning, PrintStream out) throws CommandFailure, IOException {
    confirm(force, warning, out);
  }

  /** As {@link #confirm(String, PrintStream)}, for commands that have no filters. */
  static void confirm(boolean force, String warning, PrintStream out)
      throws CommandFailure, IOException {
    if (force) {
      return;
    }
    out.print("WARNING! " + warning + "Are you sure you want to continue? [y/N] ");
    out.flush();
    // Not closed: standard input is not ours.
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String answer = in.readLine();
    if (answer == null || !Set.of("y", "yes").contains(answer.strip().toLowerCase(Locale.ROOT))) {
      if (answer == null) {
        out.println();
      }
      throw new CommandFailure(
          ExitCode.USER, "nothing was removed: the answer was not y (-f does not ask)");
    }
  }
}
