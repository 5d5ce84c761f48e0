package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.rootfs.Resolved;
import build.kiln.runtime.rootfs.StepPaths;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Where a mount goes.
 *
 * @param written the path as the Dockerfile has it, against the working directory
 * @param path where its symbolic links lead; never outside of the root
 * @param nested whether it is inside another mount of the step
 */
record MountTarget(String written, String path, boolean nested) {
  private static final List<String> OF_THE_KERNEL = List.of("proc", "sys");

  /**
   * Follows the path in an image's files.
   *
   * @param outer the targets that come before it
   * @param directory whether a directory is mounted
   * @throws BuildException if nothing can be mounted there
   */
  static MountTarget resolve(
      String written,
      Paths.Lookup files,
      List<MountTarget> outer,
      boolean directory,
      SourceRange range)
      throws IOException, BuildException {
    Optional<MountTarget> around =
        outer.stream()
            .filter(o -> written.startsWith(o.written + "/"))
            .reduce((first, last) -> last);
    if (around.isPresent()) {
      String rest = written.substring(around.get().written.length());
      return new MountTarget(written, around.get().path + rest, true);
    }
    Resolved resolved = Paths.resolve(files, written);
    String path = resolved.path();
    if (path.isEmpty()) {
      throw StepProblems.at(
          range, "nothing can be mounted on \"/\"", "name a directory below it with target=");
    }
    if (OF_THE_KERNEL.stream().anyMatch(top -> isIn(path, top))) {
      throw StepProblems.at(range, "nothing can be mounted in /proc and /sys: /" + path, null);
    }
    Optional<EntryMeta> there = resolved.exists() ? files.at(resolved.real()) : Optional.empty();
    if (there.isPresent() && there.get().isDirectory() != directory) {
      throw StepProblems.at(
          range,
          directory
              ? "a directory cannot be mounted on /%s, which is a file".formatted(path)
              : "a file cannot be mounted on /%s, which is a directory".formatted(path),
          directory ? null : "name the file in it with target=");
    }
    if (!resolved.exists() && files.at(resolved.real()).filter(e -> !e.isDirectory()).isPresent()) {
      throw StepProblems.at(range, "/%s is no directory".formatted(resolved.real()), null);
    }
    return new MountTarget(written, path, outer.stream().anyMatch(o -> isIn(path, o.path)));
  }

  /** Whether the place is in the sandbox's own /dev and not in the root. */
  boolean inDevices() {
    return isIn(path, "dev");
  }

  /** Whether the sandbox puts something there itself. */
  boolean ofTheSandbox() {
    return inDevices() || StepPaths.FILES.contains(path);
  }

  private static boolean isIn(String path, String top) {
    return path.equals(top) || path.startsWith(top + "/");
  }
}
