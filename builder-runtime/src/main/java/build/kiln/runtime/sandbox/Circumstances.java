package build.kiln.runtime.sandbox;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;

/**
 * What isolation depends on: this start of the machine, this process's rights, the kernel's
 * settings, what lies over /proc and /sys, the programs, and the file system of the scratch
 * directory. What does not change it, such as process and namespace numbers, is not in it.
 */
final class Circumstances {
  private static final List<String> RIGHTS =
      List.of("Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp");

  private static final List<Path> SETTINGS =
      Stream.of(
              "/proc/sys/kernel/random/boot_id",
              "/proc/self/uid_map",
              "/proc/self/gid_map",
              "/proc/self/attr/current",
              "/proc/sys/user/max_user_namespaces",
              "/proc/sys/user/max_mnt_namespaces",
              "/proc/sys/user/max_pid_namespaces",
              "/proc/sys/kernel/unprivileged_userns_clone",
              "/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
          .map(Path::of)
          .toList();

  private Circumstances() {}

  /** In one line, which differs when any of them does. */
  static String now(SandboxConfig config, NamespaceTools tools) throws IOException {
    var all = new StringBuilder();
    lines(Path.of("/proc/self/status"))
        .filter(line -> RIGHTS.stream().anyMatch(line::startsWith))
        .forEach(line -> all.append(line).append('\n'));
    for (Path setting : SETTINGS) {
      all.append(setting).append(' ').append(readIfThere(setting)).append('\n');
    }
    // Without the first field, a number of its own, and the optional ones, which are peers'
    // numbers.
    String scratch = config.scratch().toRealPath() + "/";
    lines(Path.of("/proc/self/mountinfo"))
        .map(line -> line.split(" "))
        .filter(mount -> counts(mount[4], scratch))
        .forEach(mount -> all.append(String.join(" ", mount[3], mount[4], mount[5])).append('\n'));
    for (Path tool : tools.all()) {
      BasicFileAttributes file = Files.readAttributes(tool, BasicFileAttributes.class);
      all.append(tool).append(' ').append(file.fileKey()).append(' ').append(file.size());
      all.append(' ').append(file.lastModifiedTime().toMillis()).append('\n');
    }
    try (DirectoryHandle folder = DirectoryHandle.open(config.scratch())) {
      all.append(folder.fileSystem()).append(' ').append(folder.status().device());
    }
    return Digest.ofBytes(all.toString().getBytes(StandardCharsets.UTF_8)).toString();
  }

  /** What lies over /proc and /sys, and what the scratch directory is on, with its options. */
  private static boolean counts(String mountPoint, String scratch) {
    return mountPoint.startsWith("/proc")
        || mountPoint.startsWith("/sys")
        || mountPoint.equals("/")
        || scratch.startsWith(mountPoint + "/");
  }

  private static Stream<String> lines(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.ISO_8859_1).lines();
  }

  /** Which of them there are is a circumstance too, and so is one that may not be read. */
  private static String readIfThere(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    } catch (IOException e) {
      return "-";
    }
  }
}
