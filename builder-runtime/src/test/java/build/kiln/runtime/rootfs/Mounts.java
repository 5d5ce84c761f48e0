package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.ObjectInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Mounts overlays for real, in a mount namespace that ends with the process in it. */
final class Mounts {
  /** How the mount is made. */
  enum Way {
    TRUSTED(false, false, "redirect_dir=off,metacopy=off"),
    USER_XATTR(true, false, "userxattr"),
    USER_NAMESPACE(true, true, "userxattr");

    final boolean userXattr;
    final boolean userNamespace;
    final String options;

    Way(boolean userXattr, boolean userNamespace, String options) {
      this.userXattr = userXattr;
      this.userNamespace = userNamespace;
      this.options = options;
    }
  }

  private Mounts() {}

  /** Why mounts are not possible here; empty if they are. */
  static String missing(Way way, Path directory) throws IOException, InterruptedException {
    for (String name : List.of("l", "u", "w", "m")) {
      Files.createDirectories(directory.resolve(name));
    }
    String options = "lowerdir=l,upperdir=u,workdir=w," + way.options;
    return run(
        way, directory, List.of("mount", "-t", "overlay", "-o", options, "overlay", "m"));
  }

  /** Runs a command in new namespaces; what it printed if it failed, or empty. */
  private static String run(Way way, Path directory, List<String> command)
      throws IOException, InterruptedException {
    var all = new ArrayList<>(List.of("unshare", "-m"));
    if (way.userNamespace) {
      all.add("-U");
    }
    all.addAll(List.of("sh", "-c", "echo && read go && exec \"$@\"", "sh"));
    all.addAll(command);
    var process =
        new ProcessBuilder(all).directory(directory.toFile()).redirectErrorStream(true).start();
    String output;
    try (var in = process.getInputStream();
        var out = process.getOutputStream()) {
      int first = in.read();
      output = first == '\n' ? "" : Character.toString(first);
      if (way.userNamespace) {
        Path proc = Path.of("/proc/" + process.pid());
        Files.writeString(proc.resolve("uid_map"), "0 0 4294967295");
        Files.writeString(proc.resolve("gid_map"), "0 0 4294967295");
      }
      out.write('\n');
      out.flush();
      output += new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    int code = process.waitFor();
    return code == 0 ? "" : String.join(" ", command) + ": " + code + ", " + output;
  }

  /** What is in a mounted root, after {@link RandomChanges} with this seed; none for 0. */
  @SuppressWarnings("unchecked")
  static Map<String, String> view(Way way, RootSpec.Overlay root, long seed, Path scratch)
      throws Exception {
    Path target = Files.createDirectories(scratch.resolve("merged"));
    Path out = scratch.resolve("view");
    String options =
        "lowerdir="
            + root.lowers().stream().map(Path::toString).collect(Collectors.joining(":"))
            + ",upperdir="
            + root.upper()
            + ",workdir="
            + root.work()
            + ","
            + way.options;
    var command =
        List.of(
            "sh",
            "-c",
            "mount -t overlay -o \"$1\" overlay \"$2\" && shift 2 && exec \"$@\"",
            "sh",
            options,
            target.toString(),
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            RandomChanges.class.getName(),
            target.toString(),
            Long.toString(seed),
            out.toString());
    assertThat(run(way, scratch, command)).isEmpty();
    try (var in = new ObjectInputStream(Files.newInputStream(out))) {
      return (Map<String, String>) in.readObject();
    }
  }
}
