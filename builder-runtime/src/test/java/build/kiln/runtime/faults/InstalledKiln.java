package build.kiln.runtime.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The distribution that was packaged, with a store and a home of its own.
 *
 * @param folder what it prints and keeps is in it
 */
record InstalledKiln(Path folder) {
  private static final Path PROGRAM = Path.of("target/kiln/bin/kiln").toAbsolutePath();

  /** How it ended. */
  record Result(int code, String out, String err) {}

  InstalledKiln {
    assumeTrue(Files.isExecutable(PROGRAM), PROGRAM + " is not there: ./mvnw package makes it");
  }

  Path store() {
    return folder.resolve("store");
  }

  /**
   * Starts it.
   *
   * @param before a command that it is an argument of
   * @param arguments the command and its options but for {@code --store}
   */
  Process start(List<String> before, List<String> arguments) throws IOException {
    var command = new ArrayList<>(before);
    command.add(PROGRAM.toString());
    command.addAll(arguments);
    command.addAll(List.of("--store", store().toString()));
    var builder =
        new ProcessBuilder(command)
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile());
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  Result ended(Process process) throws IOException, InterruptedException {
    int code = process.waitFor();
    return new Result(code, read("out"), read("err"));
  }

  Result run(List<String> before, String... arguments) throws IOException, InterruptedException {
    return ended(start(before, List.of(arguments)));
  }

  private String read(String name) throws IOException {
    return Files.readString(folder.resolve(name), StandardCharsets.UTF_8);
  }

  /** What is unfinished in the store, but for locks that nobody has. */
  List<Path> unfinished() throws IOException {
    Path tmp = store().resolve("tmp");
    if (!Files.isDirectory(tmp)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(tmp)) {
      return all.filter(path -> !path.equals(tmp)).toList();
    }
  }

  /** No process has this folder in its arguments, and nothing is mounted in it. */
  void assertNothingRuns() throws IOException {
    String name = folder.toString();
    assertThat(
            ProcessHandle.allProcesses()
                .filter(process -> process.info().commandLine().orElse("").contains(name)))
        .isEmpty();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(name);
  }
}
