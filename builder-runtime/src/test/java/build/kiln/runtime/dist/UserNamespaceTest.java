package build.kiln.runtime.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code bin/kiln} gets an ordinary user what unpacking and running need. */
class UserNamespaceTest {
  /** Starts the rest as root if these are its options, else refuses as the kernel would. */
  private static final String ALLOWS =
      """
      #!/bin/sh
      [ "$1" != --help ] || { echo ' --map-auto'; exit; }
      case "$*" in
        "--user --map-root-user %s"*) while [ "$1" != -- ]; do shift; done; shift; INSIDE=0; export INSIDE; exec "$@" ;;
      esac
      echo 'unshare: unshare failed: Operation not permitted' >&2
      exit 1
      """;

  private static final String ALL_IDS = ALLOWS.formatted("--map-auto -- ");
  private static final String ONE_ID = ALLOWS.formatted("-- ");
  private static final String NONE = ALLOWS.formatted("--never");

  private static final String TRUE = "#!/bin/sh\n";

  @TempDir Path folder;
  private Installed kiln;

  @BeforeEach
  void install() throws Exception {
    kiln = Installed.in(folder).with("true", TRUE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"build", "run"})
  void aNamespaceWithAllIdsIsEnteredSilently(String command) throws Exception {
    var result = kiln.withOrdinaryUser(ALL_IDS).run(Map.of(), command, "-f", "a b");
    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.out()).containsSubsequence(command, "-f", "a b");
  }

  @Test
  void oneIdIsUsedWithANoteOfWhatIsMissing() throws Exception {
    var result = kiln.withOrdinaryUser(ONE_ID).run(Map.of(), "build", ".");
    assertThat(result.exitCode()).isZero();
    assertThat(result.out()).containsSubsequence("build", ".");
    assertThat(result.err().lines())
        .anyMatch(line -> line.startsWith("kiln: only your own user id can be mapped"))
        .anyMatch(line -> line.startsWith("kiln: newuidmap or newgidmap is missing: install"))
        .anyMatch(line -> line.matches("kiln: /etc/subuid has no range .* line ann:\\d+:65536"))
        .anyMatch(line -> line.matches("kiln: /etc/subgid has no range .* line ann:\\d+:65536"));
  }

  @Test
  void aRefusalNamesWhatTheKernelSaidAndWhatToDo() throws Exception {
    var result = kiln.withOrdinaryUser(NONE).run(Map.of(), "build", ".");
    assertThat(result.exitCode()).isEqualTo(4);
    assertThat(result.out()).isEmpty();
    assertThat(result.err())
        .contains("kiln: build needs root or a user namespace; ann is not root")
        .contains("KILN_USERNS=never");
  }

  @Test
  void aMissingUnshareIsNamed() throws Exception {
    kiln.withOrdinaryUser(NONE);
    Files.delete(kiln.path().resolve("unshare"));
    var result = kiln.run(Map.of(), "run", "-f", "x");
    assertThat(result.exitCode()).isEqualTo(4);
    assertThat(result.err()).contains("unshare is missing: install util-linux 2.38 or later");
  }

  @Test
  void otherCommandsNeedNone() throws Exception {
    kiln.withOrdinaryUser(NONE);
    for (var line : List.of("images", "push x", "build --help", "--version", "help build")) {
      var result = kiln.run(Map.of(), line.split(" "));
      assertThat(result.exitCode()).as(line).isZero();
      assertThat(result.err()).as(line).isEmpty();
    }
  }

  /** To see and remove what steps left of other ids; without one there is nothing of the kind. */
  @ParameterizedTest
  @ValueSource(strings = {"builder prune", "system df"})
  void whatLooksIntoCacheMountsTakesANamespaceIfThereIsOne(String command) throws Exception {
    for (var unshare : List.of(NONE, ONE_ID, ALL_IDS)) {
      var result = kiln.withOrdinaryUser(unshare).run(Map.of(), command.split(" "));
      assertThat(result.exitCode()).isZero();
      assertThat(result.err()).isEmpty();
      assertThat(result.out()).containsSubsequence(command.split(" "));
    }
  }

  @Test
  void theImageSaysNever() throws Exception {
    var result =
        kiln.withOrdinaryUser(NONE)
            .run(Map.of("KILN_USERNS", "never"), "run", "-f", "/kiln/work/order.json");
    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
  }

  @Test
  void anUnknownWishIsRefused() throws Exception {
    var result = kiln.run(Map.of("KILN_USERNS", "no"), "build", ".");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).contains("KILN_USERNS is 'no': it may be auto or never");
  }

  /** The machine's own unshare, newuidmap and kernel, with a user that exists in this test only. */
  @ParameterizedTest
  @ValueSource(strings = {"build", "system"})
  void aRealUserGetsARealNamespace(String command) throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root to become another user");
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/newuidmap")), "needs newuidmap (package uidmap)");
    for (var entry :
        Map.of(
                "passwd", "ann:x:1234:1234::/:/bin/sh\n",
                "subuid", "ann:300000:65536\n",
                "subgid", "ann:300000:65536\n")
            .entrySet()) {
      Files.writeString(folder.resolve(entry.getKey()), entry.getValue());
    }
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    var path = Map.of("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    var become =
        "for f in passwd subuid subgid; do mount --bind \"$HOME/$f\" /etc/$f || exit 99; done;"
            + " exec setpriv --reuid 1234 --regid 1234 --clear-groups \"$@\"";
    var before = List.of("unshare", "--mount", "sh", "-c", become, "sh");
    var can =
        kiln.start(
            List.of("unshare", "--mount", "sh", "-c", become, "sh", "unshare", "-U", "-r", "true"),
            path);
    assumeTrue(can.exitCode() == 0, "needs user namespaces: " + can.err());

    var result = kiln.run(before, path, command, ".");

    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    assertThat(result.out())
        .contains("map 0 1234 1", "map 1 300000 65535")
        .contains("-Duser.home=" + folder)
        .endsWith(command, ".");
  }
}
