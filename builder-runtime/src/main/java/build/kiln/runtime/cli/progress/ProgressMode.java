package build.kiln.runtime.cli.progress;

import build.kiln.runtime.build.BuildEvent;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** How progress is shown; the names are those of {@code --progress}. */
public enum ProgressMode {
  /** {@link #tty} if standard error is a terminal, else {@link #plain}. */
  auto,
  /** Line by line, for logs. */
  plain,
  /** A screen that is redrawn. */
  tty,
  /** Warnings only. */
  quiet;

  /**
   * Starts to show.
   *
   * @param out standard error, or what stands for it
   * @param environment of the process: TERM, CI, COLUMNS and LINES count
   */
  public Display open(PrintStream out, Map<String, String> environment) {
    return switch (this) {
      case plain -> new PlainProgress(out);
      case tty -> terminal(out, environment);
      case auto -> isTerminal(environment) ? terminal(out, environment) : new PlainProgress(out);
      case quiet -> new Warnings(out);
    };
  }

  /** Prints a warning, as progress does. */
  public static void warn(PrintStream out, String text) {
    PlainProgress.warn(out, text);
  }

  /** Text of others as one line that is fit to be shown. */
  public static String line(String text) {
    return Text.expandTabs(Text.clean(text));
  }

  private static Display terminal(PrintStream out, Map<String, String> environment) {
    return TerminalProgress.start(out, TerminalSize.of(environment));
  }

  private static boolean isTerminal(Map<String, String> environment) {
    String term = environment.getOrDefault("TERM", "dumb");
    if (term.equals("dumb") || term.isEmpty() || environment.containsKey("CI")) {
      return false;
    }
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException unknown) {
      return false;
    }
  }

  private record Warnings(PrintStream out) implements Display {
    @Override
    public void on(BuildEvent event) {
      if (event instanceof BuildEvent.Warning warning) {
        PlainProgress.warn(out, warning.text());
      }
    }

    @Override
    public void close() {
      out.flush();
    }
  }
}
