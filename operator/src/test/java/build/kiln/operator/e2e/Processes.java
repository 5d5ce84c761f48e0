package build.kiln.operator.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs the tools that a user would: docker, kubectl, helm, kiln. */
final class Processes {
  private static final Duration LIMIT = Duration.ofMinutes(5);

  /** How a process ended, and all it printed. */
  record Result(List<String> command, int exitCode, String output) {
    boolean succeeded() {
      return exitCode == 0;
    }

    /** The output, of a process that must have succeeded. */
    String orThrow() {
      if (!succeeded()) {
        throw new AssertionError(
            "%s exited with %d:%n%s".formatted(String.join(" ", command), exitCode, output));
      }
      return output;
    }
  }

  private Processes() {}

  static Result run(String... command) {
    return run(List.of(command), "", Map.of());
  }

  /** Runs a command with this input; standard error comes with the output. */
  static Result run(List<String> command, String input, Map<String, String> environment) {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    try {
      var process = builder.start();
      Thread.ofVirtual().start(() -> feed(process, input));
      var watchdog = Thread.ofVirtual().start(() -> killAfterLimit(process));
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int exitCode = process.waitFor();
      watchdog.interrupt();
      return new Result(command, exitCode, output);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command.getFirst(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command.getFirst(), e);
    }
  }

  /** Runs two commands, the first one's output into the second. */
  static void pipe(List<String> from, List<String> to) {
    try {
      var processes =
          ProcessBuilder.startPipeline(
              List.of(
                  new ProcessBuilder(from).redirectError(ProcessBuilder.Redirect.INHERIT),
                  new ProcessBuilder(to).redirectErrorStream(true)));
      var last = processes.getLast();
      var output = new String(last.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      for (var process : processes) {
        if (process.waitFor() != 0) {
          throw new AssertionError("%s | %s failed:%n%s".formatted(from, to, output));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + from.getFirst(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + from.getFirst(), e);
    }
  }

  /** Whether a program of this name is on PATH. */
  static boolean onPath(String program) {
    return Path.of(program).isAbsolute()
        || List.of(System.getenv().getOrDefault("PATH", "").split(":")).stream()
            .anyMatch(folder -> Path.of(folder, program).toFile().canExecute());
  }

  private static void feed(Process process, String input) {
    try (var stdin = process.getOutputStream()) {
      stdin.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // The process ended without reading all of it; its exit code says what is to be said.
    }
  }

  private static void killAfterLimit(Process process) {
    try {
      if (!process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
