package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The programs of the chroot tier, and the command line that puts them together.
 *
 * @param setpriv copied into the root: sets IDs and drops capabilities
 * @param env copied into the root: sets environment and working directory
 * @param inner the shell, copied into the root where a variable of the environment is a secret: it
 *     must not be an argument of env
 */
record ChrootTools(
    Path shell,
    Path setsid,
    Path chroot,
    PortableProgram setpriv,
    PortableProgram env,
    PortableProgram inner) {
  /** In the root, where the copies are. */
  static final String DIRECTORY = "/dev/.kiln";

  /** In {@link #DIRECTORY}: the secrets of the environment, for the inner shell. */
  static final String SECRETS = "secrets";

  private static final String READ_SECRETS = ". " + DIRECTORY + "/" + SECRETS + " && exec \"$@\"";

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
    Path shell = programs.require("sh", "dash");
    return new ChrootTools(
        shell,
        programs.require("setsid", "util-linux"),
        programs.require("chroot", "coreutils"),
        PortableProgram.of(programs.require("setpriv", "util-linux")),
        PortableProgram.of(programs.require("env", "coreutils")),
        PortableProgram.of(shell));
  }

  List<String> launch(Path root, Command command) {
    List<String> launch = new ArrayList<>();
    String sh = shell.toString();
    launch.addAll(List.of(sh, "-c", RUN, sh, root.toString()));
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
  private List<String> envArguments(Command command) {
    List<String> arguments = new ArrayList<>(List.of("-i", "--default-signal=INT,QUIT"));
    arguments.addAll(List.of("--chdir=" + command.cwd(), "--"));
    arguments.addAll(command.env());
    if (!command.secrets().isEmpty()) {
      arguments.addAll(inner.command(DIRECTORY, List.of("-c", READ_SECRETS, "sh")));
    }
    arguments.addAll(command.argv());
    return arguments;
  }

  /**
   * The content of {@link #SECRETS}.
   *
   * @throws SandboxException UNSUPPORTED for a name that a shell cannot have
   */
  static byte[] secrets(Command command) throws SandboxException {
    var script = new StringBuilder();
    for (SecretVariable secret : command.secrets()) {
      if (!secret.name().matches("[A-Za-z_][A-Za-z0-9_]*")) {
        throw new SandboxException(
            SandboxException.Code.UNSUPPORTED,
            "the chroot tier cannot give a secret to a variable named \"" + secret.name() + "\"");
      }
      String quoted = secret.text().replace("'", "'\\''");
      script.append("export ").append(secret.name()).append("='").append(quoted).append("'\n");
    }
    if (command.env().stream().noneMatch(variable -> variable.startsWith("PWD="))
        && command.secrets().stream().noneMatch(secret -> secret.name().equals("PWD"))) {
      // The shell's own.
      script.append("unset PWD\n");
    }
    return script.toString().getBytes(StandardCharsets.UTF_8);
  }
}
