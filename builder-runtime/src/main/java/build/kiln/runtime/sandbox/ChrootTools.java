package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The programs of the chroot tier, and the command line that puts them together.
 *
 * @param setpriv copied into the root: sets IDs and drops capabilities
 * @param env copied into the root: sets environment and working directory
 */
record ChrootTools(
    Path shell, Path setsid, Path chroot, PortableProgram setpriv, PortableProgram env) {
  /** In the root, where the copies are. */
  static final String DIRECTORY = "/dev/.kiln";

  /** What docker gives, without those that lead out of a chroot or to the machine's devices. */
  private static final String CAPABILITIES =
      OciBundle.CAPABILITIES.stream()
          .filter(c -> !c.equals("CAP_SYS_CHROOT") && !c.equals("CAP_MKNOD"))
          .map(c -> ",+" + c.substring("CAP_".length()).toLowerCase(java.util.Locale.ROOT))
          .collect(Collectors.joining("", "-all", ""));

  /**
   * Arguments: the root, the command that enters it.
   *
   * <p>The guard reads the lifeline to its end. It is the builder's death then, or an interrupt;
   * whatever is in the root has to go, not only the command's own process.
   */
  private static final String RUN =
      """
      root=$1
      shift
      umask 022
      printf . && read -r go || exit 1
      exec 3<&0 </dev/null
      "$@" 3<&- 2>&1 &
      step=$!
      {
        while read -r line; do :; done
        trap '' TERM
        kill -KILL $step
        found=1
        while [ $found = 1 ]; do
          found=0
          for process in /proc/[0-9]*; do
            if [ "$process/root" -ef "$root" ]; then
              kill -KILL ${process#/proc/} && found=1
            fi
          done
        done
      } <&3 3<&- >/dev/null 2>&1 &
      guard=$!
      exec 3<&-
      wait $step
      code=$?
      kill -TERM $guard
      wait $guard 2>/dev/null
      exit $code
      """;

  static ChrootTools find(Programs programs)
      throws SandboxException, IOException, InterruptedException {
    return new ChrootTools(
        programs.require("sh", "dash"),
        programs.require("setsid", "util-linux"),
        programs.require("chroot", "coreutils"),
        PortableProgram.of(programs.require("setpriv", "util-linux")),
        PortableProgram.of(programs.require("env", "coreutils")));
  }

  List<String> launch(Path root, Command command) {
    List<String> launch = new ArrayList<>();
    String sh = shell.toString();
    launch.addAll(List.of(setsid.toString(), sh, "-c", RUN, sh, root.toString()));
    launch.addAll(List.of(chroot.toString(), root.toString()));
    launch.addAll(setpriv.command(DIRECTORY, setprivArguments(command)));
    launch.addAll(env.command(DIRECTORY, envArguments(command)));
    return launch;
  }

  private static List<String> setprivArguments(Command command) {
    return List.of(
        "--reuid=" + command.uid(),
        "--regid=" + command.gid(),
        command.groups().isEmpty()
            ? "--clear-groups"
            : "--groups="
                + command.groups().stream().map(String::valueOf).collect(Collectors.joining(",")),
        "--inh-caps=-all",
        "--ambient-caps=-all",
        "--bounding-set=" + CAPABILITIES);
  }

  /** A shell ignores SIGINT and SIGQUIT for what it starts in the background. */
  private static List<String> envArguments(Command command) {
    List<String> arguments = new ArrayList<>(List.of("-i", "--default-signal=INT,QUIT"));
    arguments.addAll(List.of("--chdir=" + command.cwd(), "--"));
    arguments.addAll(command.env());
    arguments.addAll(command.argv());
    return arguments;
  }
}
