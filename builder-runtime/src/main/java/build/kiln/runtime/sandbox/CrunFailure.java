package build.kiln.runtime.sandbox;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads crun's log of a container that did not come to run, and tells a command that cannot be run
 * from a sandbox that cannot.
 */
final class CrunFailure {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int NOT_FOUND = 127;
  private static final int NOT_EXECUTABLE = 126;

  /** Of crun 1.8 and 1.28. */
  private static final Pattern MISSING =
      Pattern.compile(
          "executable file .* not found.*|(open executable|exec\\S*|chdir|.*cwd).*: No such file.*",
          Pattern.DOTALL);

  private static final Pattern UNUSABLE =
      Pattern.compile(
          "open executable.*|the path .* (exists but it is not executable|is not a regular file).*"
              + "|exec\\S*.*|(chdir|.*cwd).*",
          Pattern.DOTALL);

  private CrunFailure() {}

  /** 127 or 126 as shells have it, if the command is to blame; crun has told the step why. */
  static Optional<Integer> exitCode(String log) {
    List<String> errors = errors(log);
    if (errors.stream().anyMatch(e -> MISSING.matcher(e).matches())) {
      return Optional.of(NOT_FOUND);
    }
    return errors.stream().anyMatch(e -> UNUSABLE.matcher(e).matches())
        ? Optional.of(NOT_EXECUTABLE)
        : Optional.empty();
  }

  /** What was logged as errors, in one line. */
  static String messages(String log) {
    return errors(log).stream().distinct().collect(Collectors.joining("; "));
  }

  private static List<String> errors(String log) {
    return log.lines()
        .filter(line -> !line.isBlank())
        .map(CrunFailure::parse)
        .filter(node -> node.path("level").asText("error").equals("error"))
        .map(node -> node.path("msg").asText())
        .toList();
  }

  /** A line that is not JSON counts as an error's message. */
  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      return JSON.createObjectNode().put("msg", line);
    }
  }
}
