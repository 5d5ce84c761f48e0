package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The signals that STOPSIGNAL may name: Linux's. */
final class Signals {
  private static final List<String> NAMES = names();

  static Word check(Word signal) {
    String name = signal.text().toUpperCase(Locale.ROOT);
    String bare = name.startsWith("SIG") ? name.substring(3) : name;
    if (!NAMES.contains(bare) && !isNumber(signal.text())) {
      throw new DockerfileException(
          Problem.Code.EXPANSION,
          signal.range(),
          "no such signal: \"" + signal + "\"",
          Suggestions.nearest(bare, NAMES).map(n -> "did you mean SIG" + n + "?").orElse(null));
    }
    return signal;
  }

  private static boolean isNumber(String text) {
    return text.matches("[+-]?[0-9]{1,9}") && Integer.parseInt(text) != 0;
  }

  private static List<String> names() {
    var names =
        new ArrayList<>(
            List.of(
                "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO",
                "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP",
                "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM",
                "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX"));
    for (int i = 1; i <= 15; i++) {
      names.add("RTMIN+" + i);
    }
    for (int i = 1; i <= 14; i++) {
      names.add("RTMAX-" + i);
    }
    return List.copyOf(names);
  }

  private Signals() {}
}
