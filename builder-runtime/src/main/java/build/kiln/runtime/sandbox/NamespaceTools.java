package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The programs of the namespaces tier, and the command lines that put them together. */
record NamespaceTools(
    Path shell,
    Path setsid,
    Path unshare,
    Path mount,
    Path umount,
    Path head,
    Path chown,
    Path chmod,
    Path crun) {
  /** In the step's directory: exists once the step's program was started. */
  static final String PID_FILE = "pid";

  /** In the step's directory: crun's log. */
  static final String LOG = "log";

  /** In the step's directory: what failed before crun. */
  static final String ERRORS = "errors";

  /** In the step's directory: where the step's secrets are mounted, a file each by its number. */
  static final String SECRETS = "secrets";

  /** In the step's directory: crun's configuration, unless that is a secret. */
  static final String CONFIG = "config.json";

  /** Takes away what is mounted below /proc; arguments are umount, mount points, --, command. */
  private static final String UNMASK =
      """
      umount=$1; shift
      while [ "$1" != -- ]; do "$umount" -l "$1" || exit 1; shift; done
      shift; exec "$@"
      """;

  /**
   * In the new namespaces, before there are IDs: says so, waits for them, and starts again as root
   * of the namespace, with its capabilities.
   */
  private static final String AWAIT_IDS = "printf . && read -r go && exec \"$@\"";

  /**
   * Arguments: step's directory, mount, overlay options or nothing, head, chown, chmod, crun,
   * crun's arguments. Secrets come by standard input, a line of size, owner and mode and then the
   * bytes, into memory that nobody outside of this mount namespace sees.
   *
   * <p>The guard reads the lifeline to its end. It then stops crun before it kills crun's children,
   * so that none can be added; the container's init takes all of its PID namespace along, and crun
   * reaps it.
   */
  private static final String RUN =
      """
      cd "$1" || exit 1
      mount=$2 overlay=$3 head=$4 chown=$5 chmod=$6 crun=$7
      shift 7
      number=0
      while read -r size owner mode && [ "$size" != . ]; do
        if [ $number = 0 ]; then
          "$mount" -t tmpfs -o mode=700 secrets secrets || exit 1
        fi
        "$head" -c "$size" >secrets/$number || exit 1
        "$chown" "$owner" secrets/$number && "$chmod" "$mode" secrets/$number || exit 1
        number=$((number + 1))
      done 2>errors
      [ "$size" = . ] || exit 1
      exec 3<&0 </dev/null
      {
        if [ -n "$overlay" ]; then
          LIBMOUNT_FORCE_MOUNT2=always "$mount" -t overlay -o "$overlay" overlay merged || exit 1
        fi
        if [ -d /sys/fs/cgroup ]; then
          "$mount" -t tmpfs -o ro,size=4k,mode=755 cgroup /sys/fs/cgroup || exit 1
        fi
      } 2>errors
      "$crun" "$@" 3<&- 2>&1 &
      crun=$!
      {
        while read -r line; do :; done
        trap '' TERM
        kill -STOP $crun
        inner=
        read -r children </proc/$crun/task/$crun/children
        for child in $children; do
          read -r more </proc/$child/task/$child/children
          inner="$inner $more"
        done
        if [ -n "$children" ]; then kill -KILL $children $inner; else kill -KILL $crun; fi
        kill -CONT $crun
      } <&3 3<&- >/dev/null 2>&1 &
      guard=$!
      exec 3<&-
      wait $crun
      code=$?
      kill -TERM $guard
      wait $guard 2>/dev/null
      exit $code
      """;

  static NamespaceTools find(Programs programs) throws SandboxException {
    String utilLinux = "util-linux";
    return new NamespaceTools(
        programs.require("sh", "dash"),
        programs.require("setsid", utilLinux),
        programs.require("unshare", utilLinux),
        programs.require("mount", "mount"),
        programs.require("umount", "mount"),
        programs.require("head", "coreutils"),
        programs.require("chown", "coreutils"),
        programs.require("chmod", "coreutils"),
        programs.require("crun", "crun"));
  }

  List<Path> all() {
    return List.of(shell, setsid, unshare, mount, umount, head, chown, chmod, crun);
  }

  /**
   * The command that runs the bundle in the step's directory.
   *
   * @param overlay options of the overlay to mount on {@code merged}; empty for none
   */
  List<String> launch(Recipe recipe, Path step, String overlay, LauncherSecrets secrets)
      throws IOException {
    List<String> command = new ArrayList<>();
    String sh = shell.toString();
    if (recipe.unmask()) {
      command.addAll(List.of(unshare.toString(), "-m", "--propagation", "private"));
      command.addAll(List.of(sh, "-c", UNMASK, sh, umount.toString()));
      command.addAll(mountsBelowProc(Files.readString(Path.of("/proc/self/mountinfo"))));
      command.add("--");
    }
    command.addAll(List.of(unshare.toString(), "-U", "-m", "--propagation", "private"));
    command.addAll(List.of(sh, "-c", AWAIT_IDS, sh));
    command.addAll(List.of(sh, "-c", RUN, sh));
    command.addAll(List.of(step.toString(), mount.toString(), overlay));
    command.addAll(List.of(head.toString(), chown.toString(), chmod.toString(), crun.toString()));
    // Its state has a copy of its configuration.
    Path own = secrets.holdConfig() ? step.resolve(SECRETS) : step;
    String config = secrets.holdConfig() ? secrets.configName() : CONFIG;
    command.addAll(List.of("--root", own.resolve("state").toString()));
    command.addAll(List.of("--log", step.resolve(LOG).toString()));
    command.addAll(List.of("--cgroup-manager=disabled", "run", "--no-new-keyring"));
    if (!recipe.pivot()) {
      command.add("--no-pivot");
    }
    command.addAll(List.of("--pid-file", step.resolve(PID_FILE).toString()));
    command.addAll(List.of("--config", own.resolve(config).toString()));
    command.addAll(List.of("--bundle", step.toString(), step.getFileName().toString()));
    return command;
  }

  /** Mount points of a {@code mountinfo}, the inner ones first. */
  static List<String> mountsBelowProc(String mountInfo) {
    return mountInfo
        .lines()
        .map(line -> line.split(" ")[4])
        .filter(point -> point.startsWith("/proc/"))
        .sorted(Comparator.comparingInt(String::length).reversed())
        .toList();
  }
}
