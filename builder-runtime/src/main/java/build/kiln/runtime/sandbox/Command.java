package build.kiln.runtime.sandbox;

import java.util.List;
import org.jspecify.annotations.Nullable;

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
 * @param mounts what it sees in place of what its root has, the outer ones first
 * @param secrets further variables of the environment
 * @param offline whether it has a network of its own with nothing but a loopback device; else it
 *     has the builder's
 * @param hostName the host name that it sees; null for the sandbox's usual one. A tier without
 *     namespaces has but the machine's
 */
public record Command(
    List<String> argv,
    List<String> env,
    String cwd,
    int uid,
    int gid,
    List<Integer> groups,
    List<StepFile> files,
    List<StepMount> mounts,
    List<SecretVariable> secrets,
    boolean offline,
    @Nullable String hostName) {
  public Command {
    argv = List.copyOf(argv);
    env = List.copyOf(env);
    groups = List.copyOf(groups);
    files = List.copyOf(files);
    mounts = List.copyOf(mounts);
    secrets = List.copyOf(secrets);
    if (argv.isEmpty()) {
      throw new IllegalArgumentException("a command needs a program");
    }
    if (!cwd.startsWith("/")) {
      throw new IllegalArgumentException("a working directory is absolute, not " + cwd);
    }
  }

  /** A command that mounts nothing. */
  public Command(
      List<String> argv,
      List<String> env,
      String cwd,
      int uid,
      int gid,
      List<Integer> groups,
      List<StepFile> files) {
    this(argv, env, cwd, uid, gid, groups, files, List.of(), List.of(), false, null);
  }

  /** A command that needs no files. */
  public Command(
      List<String> argv, List<String> env, String cwd, int uid, int gid, List<Integer> groups) {
    this(argv, env, cwd, uid, gid, groups, List.of());
  }
}
