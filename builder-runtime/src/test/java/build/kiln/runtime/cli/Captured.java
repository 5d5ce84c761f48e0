package build.kiln.runtime.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** A command run in this process, and what it printed. */
record Captured(int exitCode, String out, String err) {
  /** With these bytes as standard input. */
  static Captured reading(byte[] input, String... arguments) {
    InputStream in = System.in;
    System.setIn(new ByteArrayInputStream(input));
    try {
      return run(arguments);
    } finally {
      System.setIn(in);
    }
  }

  /** At a desk of its own. */
  static Captured at(Desk desk, String... arguments) {
    return ScopedValue.where(Desk.STAND_IN, desk).call(() -> run(arguments));
  }

  /** At a desk of its own, with these bytes as standard input. */
  static Captured at(Desk desk, byte[] input, String... arguments) {
    return ScopedValue.where(Desk.STAND_IN, desk).call(() -> reading(input, arguments));
  }

  static Captured run(String... arguments) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    var newOut = new ByteArrayOutputStream();
    var newErr = new ByteArrayOutputStream();
    System.setOut(new PrintStream(newOut, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(newErr, true, StandardCharsets.UTF_8));
    try {
      int code = Main.run(arguments);
      return new Captured(
          code, newOut.toString(StandardCharsets.UTF_8), newErr.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
