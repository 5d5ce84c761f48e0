package build.kiln.runtime.cli.progress;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How much a terminal shows; at least 20 columns and 5 lines. */
record TerminalSize(int columns, int lines) {
  private static final TerminalSize USUAL = new TerminalSize(80, 24);

  TerminalSize {
    columns = Math.max(20, columns);
    lines = Math.max(5, lines);
  }

  /** What COLUMNS and LINES say, else the terminal itself, else 80 by 24. */
  static TerminalSize of(Map<String, String> environment) {
    TerminalSize asked = ask();
    return new TerminalSize(
        number(environment.get("COLUMNS"), asked.columns),
        number(environment.get("LINES"), asked.lines));
  }

  private static int number(@Nullable String text, int otherwise) {
    return text != null && text.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(text) : otherwise;
  }

  private static TerminalSize ask() {
    File terminal = new File("/dev/tty");
    if (!terminal.canRead()) {
      return USUAL;
    }
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(terminal)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String answer =
          new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
      String[] parts = answer.split(" ");
      return stty.waitFor() == 0 && parts.length == 2
          ? new TerminalSize(number(parts[1], USUAL.columns), number(parts[0], USUAL.lines))
          : USUAL;
    } catch (IOException e) {
      return USUAL;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return USUAL;
    }
  }
}
