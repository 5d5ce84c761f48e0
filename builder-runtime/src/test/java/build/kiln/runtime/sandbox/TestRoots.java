package build.kiln.runtime.sandbox;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Roots for steps. Not below JUnit's own temporary directories, since those cannot delete what
 * overlay makes.
 */
final class TestRoots implements AutoCloseable {
  private static final Path BUSYBOX = Path.of("/bin/busybox");
  private static @Nullable Path debian;

  private final Path directory;
  private int number;

  TestRoots() throws IOException {
    this(Path.of("/var/tmp"));
  }

  TestRoots(Path parent) throws IOException {
    directory = Files.createTempDirectory(parent, "kiln-sandbox-test-");
    Files.createDirectory(directory.resolve("scratch"));
  }

  Path directory() {
    return directory;
  }

  Path scratch() {
    return directory.resolve("scratch");
  }

  /** A new directory with a static busybox and a link for each applet. */
  Path busybox() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(BUSYBOX), "no static busybox at " + BUSYBOX);
    Path root = Files.createDirectory(directory.resolve("busybox" + number++));
    for (String name : List.of("bin", "etc", "tmp", "root", "dev", "proc", "sys")) {
      Files.createDirectory(root.resolve(name));
    }
    Files.copy(BUSYBOX, root.resolve("bin/busybox"));
    root.resolve("bin/busybox").toFile().setExecutable(true, false);
    for (String applet : exec(List.of(BUSYBOX.toString(), "--list")).split("\n")) {
      if (!applet.equals("busybox")) {
        Files.createSymbolicLink(root.resolve("bin/" + applet), Path.of("busybox"));
      }
    }
    Files.writeString(
        root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n");
    Files.writeString(root.resolve("etc/group"), "root:x:0:\nuser:x:1000:\n");
    Files.createFile(root.resolve("etc/hosts"));
    Files.createFile(root.resolve("etc/resolv.conf"));
    return root;
  }

  /** An overlay with this lower and a new upper. */
  RootSpec.Overlay overlay(Path... lowers) throws IOException {
    int n = number++;
    return new RootSpec.Overlay(
        List.of(lowers),
        Files.createDirectory(directory.resolve("upper" + n)),
        Files.createDirectory(directory.resolve("work" + n)),
        true);
  }

  /** Debian's files, exported from the image once; to be used as a lower, never changed. */
  static synchronized Path debian() throws IOException, InterruptedException {
    if (debian == null) {
      Path tree = Files.createTempDirectory(Path.of("/var/tmp"), "kiln-sandbox-debian-");
      removeAtExit(tree);
      String script =
          "set -e; id=$(docker create debian:trixie-slim); docker export $id | tar -x -C '"
              + tree
              + "'; docker rm $id >/dev/null; chmod 755 '"
              + tree
              + "'";
      Process process = new ProcessBuilder("sh", "-c", script).redirectErrorStream(true).start();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      assumeTrue(process.waitFor() == 0, "no image debian:trixie-slim in docker: " + output);
      debian = tree;
    }
    return debian;
  }

  /** A copy that may be changed. */
  Path debianCopy() throws IOException, InterruptedException {
    Path copy = directory.resolve("debian" + number++);
    exec(List.of("cp", "-a", debian().toString(), copy.toString()));
    return copy;
  }

  private static void removeAtExit(Path tree) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  try {
                    remove(tree);
                  } catch (IOException e) {
                    System.err.println("cannot remove " + tree + ": " + e);
                  }
                }));
  }

  static String exec(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(command + ": " + output);
    }
    return output;
  }

  private static void remove(Path tree) throws IOException {
    try (DirectoryHandle parent = DirectoryHandle.open(tree.resolveSibling(""))) {
      TreeRemover.remove(parent, tree.getFileName().toString());
    }
  }

  @Override
  public void close() throws IOException {
    remove(directory);
  }
}
