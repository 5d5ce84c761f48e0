package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Builders that are not root of the machine: user 1000 with or without IDs of its own, and root
 * with no more capabilities than a pod has.
 */
@Timeout(60)
class OrdinaryUserTest {
  private static final List<String> USER =
      List.of("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups");
  private static final List<String> NAMESPACE =
      List.of("unshare", "-U", "-m", "sh", "-c", "printf . && read -r go && exec \"$@\"", "sh");
  private static final String POD =
      "--bounding-set=-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid"
          + ",+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write";

  private static TestRoots classes;
  private static String classPath;

  private TestRoots roots;

  /** The class path where every user can read it. */
  @BeforeAll
  static void copyClasses() throws Exception {
    assumeTrue(OwnIds.read().root(), "becoming another user needs root");
    classes = new TestRoots();
    world(classes.directory());
    classPath = BuilderProcess.copyClassPath(classes.directory());
  }

  @AfterAll
  static void removeClasses() throws IOException {
    classes.close();
  }

  @BeforeEach
  void make() throws IOException {
    roots = new TestRoots();
    world(roots.directory());
  }

  @AfterEach
  void remove() throws IOException {
    assertThat(SandboxContract.processes("sleep 9877")).isZero();
    roots.close();
  }

  private static void world(Path directory) {
    assertThat(directory.toFile().setExecutable(true, false)).isTrue();
    assertThat(directory.toFile().setReadable(true, false)).isTrue();
  }

  private BuilderProcess start(List<String> prefix, String owner, String tier, String script)
      throws Exception {
    RootSpec root = roots.overlay(roots.busybox());
    TestRoots.exec(List.of("chown", "-R", owner, roots.directory().toString()));
    List<String> command = BuilderProcess.command(tier, roots.scratch(), root, script);
    return BuilderProcess.start(prefix, BuilderProcess.withClassPath(command, classPath));
  }

  private static List<String> plus(List<String> first, List<String> second) {
    return Stream.concat(first.stream(), second.stream()).toList();
  }

  /** Waits until the shell is in its namespace, and maps its IDs as newuidmap(1) would. */
  private BuilderProcess inNamespace(String map, boolean setgroups, String script)
      throws Exception {
    List<String> prefix = plus(USER, NAMESPACE);
    BuilderProcess builder = start(prefix, "1000:1000", "Namespaces", script);
    Path process = Path.of("/proc/" + builder.process().pid());
    org.awaitility.Awaitility.await()
        .until(
            () ->
                !Files.readSymbolicLink(process.resolve("ns/user"))
                        .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/user")))
                    && Files.readString(process.resolve("comm")).strip().equals("sh"));
    if (!setgroups) {
      Files.writeString(process.resolve("setgroups"), "deny");
    }
    Files.writeString(process.resolve("uid_map"), map);
    Files.writeString(process.resolve("gid_map"), map);
    builder.process().getOutputStream().write('\n');
    builder.process().getOutputStream().flush();
    return builder;
  }

  private static String result(BuilderProcess builder) throws Exception {
    assertThat(builder.process().waitFor(40, TimeUnit.SECONDS)).isTrue();
    String all = builder.stdout().get() + "\n" + builder.stderr().get();
    assertThat(builder.process().exitValue()).as(all).isZero();
    return all;
  }

  @Test
  void withARangeOfIdsEverythingWorks() throws Exception {
    String script =
        "id -u && touch /f && chown 1234:60000 /f && stat -c %u:%g /f && su user -c 'id -u' && ps |"
            + " wc -l && chmod 4755 /bin/busybox && echo x >/dev/null && echo all well";
    String all = result(inNamespace("0 1000 1\n1 100000 65536\n", true, script));
    assertThat(all).contains("1234:60000", "all well", "own /proc", "65536 IDs", "; overlay");
  }

  @Test
  void withOneIdRootIsAllThereIs() throws Exception {
    String script =
        "id -u && touch /f && stat -c %u:%g /f && ls -ln /dev/pts && hostname && echo all well";
    String all = result(inNamespace("0 1000 1\n", false, script));
    assertThat(all).contains("all well", "one ID");
  }

  @Test
  void withoutANamespaceOfItsOwnItMakesOne() throws Exception {
    BuilderProcess builder =
        start(USER, "1000:1000", "Namespaces", "id -u && touch /f && hostname && echo all well");
    assertThat(result(builder)).contains("all well", "one ID");
  }

  @Test
  void rootOfAPodNeedsNoMoreThanDockersCapabilities() throws Exception {
    BuilderProcess builder =
        start(
            List.of("setpriv", POD, "--inh-caps=-all"),
            "0:0",
            "Namespaces",
            "chown 1234 /etc/passwd && ps | wc -l && echo all well");
    assertThat(result(builder)).contains("all well", "65536 IDs");
  }
}
