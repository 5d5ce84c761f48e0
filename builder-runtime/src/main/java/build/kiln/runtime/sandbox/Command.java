package build.kiln.runtime.sandbox;

import java.util.List;

/**
 * What a step runs. Nothing of the builder's own environment is added.
 *
 * @param argv program and arguments; a program without a slash is looked up in PATH of {@code env},
 *     inside the root
 * @param env {@code NAME=value}, in order
 * @param cwd absolute, should exist in the root
 * @param uid user ID in the root
 * @param gid group ID in the root
 * @param groups supplementary group IDs
 * @param files what else the step sees while it runs
 */
public record Command(
    List<String> argv,
    List<String> env,
    String cwd,
    int uid,
    int gid,
    List<Integer> groups,
    List<StepFile> files) {
  public Command {
    argv = List.copyOf(argv);
    env = List.copyOf(env);
    groups = List.copyOf(groups);
    files = List.copyOf(files);
    if (argv.isEmpty()) {
      throw new IllegalArgumentException("a command needs a program");
    }
    if (!cwd.startsWith("/")) {
      throw new IllegalArgumentException("a working directory is absolute, not " + cwd);
    }
  }

  /** A command that needs no files. */
  public Command(
      List<String> argv, List<String> env, String cwd, int uid, int gid, List<Integer> groups) {
    this(argv, env, cwd, uid, gid, groups, List.of());
  }
}
