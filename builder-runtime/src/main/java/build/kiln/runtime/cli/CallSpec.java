package build.kiln.runtime.cli;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The value of {@code --call}, as buildx has it: a method, and how its result is printed.
 *
 * @param format of the graph
 */
record CallSpec(Method method, Format format) {
  static final CallSpec BUILD = new CallSpec(Method.build, Format.text);

  /** What to do with the Dockerfile. */
  enum Method {
    build,
    graph
  }

  /** How a graph is printed. */
  enum Format {
    text,
    json,
    dot
  }

  /**
   * Reads {@code METHOD[,format=FORMAT]}.
   *
   * @throws CommandFailure if it is none
   */
  static CallSpec parse(String text) throws CommandFailure {
    String[] parts = text.split(",", -1);
    Method method =
        Arrays.stream(Method.values())
            .filter(m -> m.name().equals(parts[0]))
            .findFirst()
            .orElseThrow(() -> unknown(parts[0]));
    Format format = Format.text;
    for (int i = 1; i < parts.length; i++) {
      format = format(text, parts[i]);
    }
    if (method == Method.build && parts.length > 1) {
      throw CommandFailure.usage("--call \"%s\": build has no format".formatted(text));
    }
    return new CallSpec(method, format);
  }

  private static Format format(String text, String part) throws CommandFailure {
    for (Format format : Format.values()) {
      if (part.equals("format=" + format)) {
        return format;
      }
    }
    throw CommandFailure.usage(
        "--call \"%s\": \"%s\" is unknown; want format=%s"
            .formatted(
                text,
                part,
                Arrays.stream(Format.values())
                    .map(Format::name)
                    .collect(Collectors.joining(" or format="))));
  }

  private static CommandFailure unknown(String method) {
    return CommandFailure.usage(
        "--call \"%s\": want graph[,format=text|json|dot], or build%s"
            .formatted(method, method.equals("check") ? "; kiln check runs the build checks" : ""));
  }
}
