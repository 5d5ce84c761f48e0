package build.kiln.runtime.dockerfile;

import java.util.List;
import java.util.stream.Stream;

/** What RUN, CMD and ENTRYPOINT run: a line for the shell, or a program and its arguments. */
public sealed interface CommandLine {

  /** The shell form; the text may span lines. */
  record Shell(String text) implements CommandLine {}

  /** The exec form, a JSON array; may be empty, which for CMD and ENTRYPOINT means none. */
  record Exec(List<String> arguments) implements CommandLine {
    public Exec {
      arguments = List.copyOf(arguments);
    }
  }

  /**
   * Program and arguments.
   *
   * @param shell what runs the shell form, such as {@code ["/bin/sh", "-c"]}
   */
  default List<String> arguments(List<String> shell) {
    return switch (this) {
      case Shell s -> Stream.concat(shell.stream(), Stream.of(s.text())).toList();
      case Exec e -> e.arguments();
    };
  }
}
