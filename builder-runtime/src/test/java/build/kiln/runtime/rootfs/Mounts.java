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
    return run(way, directory, List.of("mount", "-t", "overlay", "-o", options, "overlay", "m"));
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
    Path out = scratch.resolve("view");
    inside(
        way,
        root,
        scratch,
        java(RandomChanges.class, scratch.resolve("merged") + "", seed + "", out.toString()));
    try (var in = new ObjectInputStream(Files.newInputStream(out))) {
      return (Map<String, String>) in.readObject();
    }
  }

  /** Runs a script in a mounted root, which is its working directory. */
  static void script(Way way, RootSpec.Overlay root, String script, Path scratch) throws Exception {
    Path target = scratch.resolve("merged");
    inside(way, root, scratch, List.of("sh", "-ec", "cd " + target + "\n" + script));
  }

  private static void inside(Way way, RootSpec.Overlay root, Path scratch, List<String> command)
      throws Exception {
    Path target = Files.createDirectories(scratch.resolve("merged"));
    // Short names, so that many lowers fit in a page.
    Path links = Files.createTempDirectory(scratch, "l");
    List<String> lowers = new ArrayList<>();
    for (Path lower : root.lowers()) {
      String name = Integer.toString(lowers.size(), Character.MAX_RADIX);
      Files.createSymbolicLink(links.resolve(name), lower);
      lowers.add(name);
    }
    Files.createSymbolicLink(links.resolve("upper"), root.upper());
    Files.createSymbolicLink(links.resolve("work"), root.work());
    String options =
        "lowerdir=" + String.join(":", lowers) + ",upperdir=upper,workdir=work," + way.options;
    var all =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "mount -t overlay -o \"$1\" overlay \"$2\" && shift 2 && exec \"$@\"",
                "sh",
                options,
                target.toString()));
    all.addAll(command);
    assertThat(run(way, links, all)).isEmpty();
  }

  /** The command that runs a class of the tests. */
  static List<String> java(Class<?> main, String... arguments) {
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }
}
