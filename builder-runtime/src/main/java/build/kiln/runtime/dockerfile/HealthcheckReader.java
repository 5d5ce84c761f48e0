package build.kiln.runtime.dockerfile;

import static build.kiln.runtime.dockerfile.InstructionReader.bad;

import build.kiln.runtime.dockerfile.Instruction.Healthcheck;
import build.kiln.runtime.dockerfile.Instruction.Origin;
import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** HEALTHCHECK. */
final class HealthcheckReader {
  private static final Duration SHORTEST = Duration.ofMillis(1);

  static Healthcheck read(Node node, Origin origin, FlagSet flags) {
    Slice arguments = node.arguments();
    String text = arguments.text();
    int end = 0;
    while (end < text.length() && !Chars.isSpace(text.charAt(end))) {
      end++;
    }
    Slice rest = arguments.part(end, text.length()).strip();
    return switch (text.substring(0, end).toUpperCase(Locale.ROOT)) {
      case "" ->
          throw bad(
              origin.keyword(), "HEALTHCHECK requires CMD or NONE", "HEALTHCHECK CMD command");
      case "NONE" -> {
        if (!rest.isEmpty()) {
          throw bad(rest.range(), "HEALTHCHECK NONE takes no arguments", null);
        }
        yield new Healthcheck(
            origin, List.of("NONE"), Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
      }
      case "CMD" ->
          new Healthcheck(
              origin,
              test(origin, rest),
              duration(flags, "interval"),
              duration(flags, "timeout"),
              duration(flags, "start-period"),
              duration(flags, "start-interval"),
              retries(flags));
      default ->
          throw bad(
              arguments.range(0, end),
              "unknown type of HEALTHCHECK: " + text.substring(0, end),
              "it is CMD or NONE");
    };
  }

  private static List<String> test(Origin origin, Slice rest) {
    CommandLine command = InstructionReader.commandLine(rest);
    boolean empty = command instanceof CommandLine.Exec e && e.arguments().isEmpty();
    if (empty || rest.isEmpty()) {
      throw bad(origin.keyword(), "a command is missing after HEALTHCHECK CMD", null);
    }
    return switch (command) {
      case CommandLine.Shell s -> List.of("CMD-SHELL", s.text());
      case CommandLine.Exec e -> Stream.concat(Stream.of("CMD"), e.arguments().stream()).toList();
    };
  }

  private static Duration duration(FlagSet flags, String name) {
    Word word = flags.value(name);
    if (word == null) {
      return Duration.ZERO;
    }
    Duration duration =
        GoDuration.parse(word.text())
            .orElseThrow(
                () ->
                    bad(
                        word.range(),
                        "--" + name + " is no duration: \"" + word + "\"",
                        "such as 30s, 1m30s or 500ms"));
    if (!duration.isZero() && duration.compareTo(SHORTEST) < 0) {
      throw bad(word.range(), "--" + name + " cannot be less than 1ms", null);
    }
    return duration;
  }

  private static int retries(FlagSet flags) {
    Word word = flags.value("retries");
    if (word == null) {
      return 0;
    }
    try {
      int retries = Integer.parseInt(word.text());
      if (retries >= 0) {
        return retries;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw bad(
        word.range(),
        "--retries wants a whole number that is not negative, not \"" + word + "\"",
        null);
  }

  private HealthcheckReader() {}
}
