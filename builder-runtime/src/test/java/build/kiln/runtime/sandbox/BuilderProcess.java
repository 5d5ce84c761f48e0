package build.kiln.runtime.sandbox;

import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Starts {@link RunOnce} with this JVM's program and class path, behind some other command. */
record BuilderProcess(
    Process process, CompletableFuture<String> stdout, CompletableFuture<String> stderr) {
  static List<String> command(String tier, Path scratch, RootSpec root, String script) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), RunOnce.class.getName()));
    command.addAll(List.of(tier, scratch.toString(), script));
    switch (root) {
      case RootSpec.Directory d -> command.add(d.path().toString());
      case RootSpec.Overlay o ->
          command.addAll(
              List.of(o.lowers().getFirst().toString(), o.upper().toString(), o.work().toString()));
    }
    return command;
  }

  /** Copies of what a builder loads, to where other users and containers can read it. */
  static String copyClassPath(Path directory) throws IOException, InterruptedException {
    List<String> copies = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(":")) {
      Path path = Path.of(entry);
      if (Files.isDirectory(path) || entry.matches(".*(jackson|kiln|slf4j)[^/]*\\.jar")) {
        Path copy = directory.resolve("classes" + copies.size() + "-" + path.getFileName());
        TestRoots.exec(List.of("cp", "-r", entry, copy.toString()));
        copies.add(copy.toString());
      }
    }
    return String.join(":", copies);
  }

  /** The command with another class path. */
  static List<String> withClassPath(List<String> command, String classPath) {
    return command.stream()
        .map(word -> word.equals(System.getProperty("java.class.path")) ? classPath : word)
        .toList();
  }

  static BuilderProcess start(List<String> prefix, List<String> command) throws IOException {
    List<String> all = new ArrayList<>(prefix);
    all.addAll(command);
    Process process = new ProcessBuilder(all).start();
    return new BuilderProcess(
        process,
        CompletableFuture.supplyAsync(() -> read(process.getInputStream())),
        CompletableFuture.supplyAsync(() -> read(process.getErrorStream())));
  }

  private static String read(java.io.InputStream in) {
    try (in) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
