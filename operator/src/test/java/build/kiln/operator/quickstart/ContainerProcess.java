package build.kiln.operator.quickstart;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A container as a process group of this machine. Killing it kills all that it started. */
final class ContainerProcess {
  private static final List<Path> SETSID =
      List.of(Path.of("/usr/bin/setsid"), Path.of("/bin/setsid"));
  private static final Duration LAST_OUTPUT = Duration.ofSeconds(5);
  private static final int LONGEST_LINE = 64 * 1024;

  private final Process process;
  private final Thread output;

  private ContainerProcess(Process process, Thread output) {
    this.process = process;
    this.output = output;
  }

  /**
   * Starts it, in a session of its own: Ctrl-C on the terminal is not for it.
   *
   * @param log what it prints on both streams goes there
   * @param lines hears of every line too
   */
  static ContainerProcess start(
      List<String> command,
      Map<String, String> environment,
      Path directory,
      Path log,
      Consumer<String> lines)
      throws IOException {
    var whole = new ArrayList<String>();
    whole.add(
        SETSID.stream()
            .filter(Files::isExecutable)
            .findFirst()
            .orElseThrow(() -> new IOException("no setsid on this machine: install util-linux"))
            .toString());
    whole.addAll(command);
    var builder = new ProcessBuilder(whole).directory(directory.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(environment);
    var file = Files.newOutputStream(log);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      file.close();
      throw e;
    }
    process.getOutputStream().close();
    var output =
        Thread.ofVirtual()
            .name("log of " + process.pid())
            .start(() -> copy(process.getInputStream(), file, lines));
    return new ContainerProcess(process, output);
  }

  /** Waits for its end; then nothing of it runs, and all it printed is in the log. */
  int waitFor() throws InterruptedException {
    int exitCode = process.waitFor();
    // As in a pod: with the first process goes all the rest.
    signal("KILL");
    output.join(LAST_OUTPUT);
    return exitCode;
  }

  /** Asks it to end, and makes it after a while. */
  void kill(Duration grace) {
    var all = process.descendants().toList();
    signal("TERM");
    try {
      process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    signal("KILL");
    all.forEach(ProcessHandle::destroyForcibly);
  }

  /** To the whole group; that none is left is no error. */
  private void signal(String name) {
    try {
      new ProcessBuilder("/bin/sh", "-c", "kill -%s -- -%d".formatted(name, process.pid()))
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private static void copy(InputStream from, OutputStream log, Consumer<String> lines) {
    var line = new java.io.ByteArrayOutputStream();
    try (from;
        log) {
      var piece = new byte[8192];
      for (int read = from.read(piece); read >= 0; read = from.read(piece)) {
        log.write(piece, 0, read);
        for (int i = 0; i < read; i++) {
          if (piece[i] == '\n' || line.size() >= LONGEST_LINE) {
            lines.accept(line.toString(StandardCharsets.UTF_8));
            line.reset();
          }
          if (piece[i] != '\n') {
            line.write(piece[i]);
          }
        }
      }
    } catch (IOException e) {
      lines.accept("(the rest of the output is lost: " + e.getMessage() + ")");
    }
    if (line.size() > 0) {
      lines.accept(line.toString(StandardCharsets.UTF_8));
    }
  }
}
