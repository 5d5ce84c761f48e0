package build.kiln.runtime.rootfs;

import java.util.List;

/** Paths that a sandbox provides while a step runs, and that never become part of a layer. */
public final class StepPaths {
  /** Directories that are the sandbox's, with their content. */
  public static final List<String> DIRECTORIES = List.of("dev", "proc", "sys");

  /** Files that are the sandbox's. */
  public static final List<String> FILES = List.of("etc/hosts", "etc/resolv.conf");

  private StepPaths() {}

  /** Whether what is at this path is no change of the step, nor what is below it. */
  static boolean contain(String path) {
    return DIRECTORIES.contains(path) || FILES.contains(path);
  }
}
