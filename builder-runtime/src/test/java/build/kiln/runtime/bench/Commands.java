package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Programs whose time is not measured. */
final class Commands {
  private static final int END_SECONDS = 30;

  private Commands() {}

  /** What every program of the benchmark gets as its environment, and no more. */
  static Map<String, String> environment() {
    var environment = new HashMap<String, String>();
    environment.put("LC_ALL", "C.UTF-8");
    for (String name : List.of("PATH", "HOME", "JAVA_HOME")) {
      String value = System.getenv(name);
      if (value != null) {
        environment.put(name, value);
      }
    }
    return environment;
  }

  static ProcessBuilder prepare(List<String> command) {
    var builder = new ProcessBuilder(command);
    builder.environment().clear();
    builder.environment().putAll(environment());
    return builder;
  }

  /**
   * Runs a program to its end.
   *
   * @return what it printed, errors included
   * @throws IOException if it fails, with what it printed
   */
  static String run(List<String> command) throws IOException, InterruptedException {
    return run(command, Map.of());
  }

  /** The same with more environment. */
  static String run(List<String> command, Map<String, String> more)
      throws IOException, InterruptedException {
    var builder = prepare(command).redirectErrorStream(true);
    builder.environment().putAll(more);
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    if (code != 0) {
      throw new IOException(String.join(" ", command) + " ended with " + code + ":\n" + output);
    }
    return output;
  }

  /** A program on PATH. */
  static Optional<Path> find(String program) {
    String path = System.getenv("PATH");
    for (String folder : path == null ? new String[0] : path.split(":", -1)) {
      Path file = Path.of(folder, program);
      if (Files.isExecutable(file)) {
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  /** Asks a server to end, and makes it end if it does not. */
  static void end(Process process) throws InterruptedException {
    process.destroy();
    if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
    }
  }
}
