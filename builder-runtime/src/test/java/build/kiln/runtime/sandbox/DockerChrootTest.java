package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The chroot tier in a container as docker makes it: its default capabilities and its default
 * seccomp profile, as in an ordinary pod that is root.
 */
@Timeout(120)
class DockerChrootTest {
  private static final String IMAGE = "eclipse-temurin:25-jre";

  @Test
  void worksWithDockersDefaults() throws Exception {
    String script =
        "id -u; chown 1234 /etc/passwd && mkdir -p /x && ! chroot /x true && ! mknod /k b 8 0 &&"
            + " ! kill -0 1 && echo x >/dev/null && [ -c /dev/null ] && ! unshare -U true &&"
            + " (setsid sleep 9878 &) && echo all well && env";
    try (TestRoots roots = new TestRoots()) {
      RootSpec root = new RootSpec.Directory(roots.busybox());
      String classPath = BuilderProcess.copyClassPath(roots.directory());
      List<String> command = new ArrayList<>(List.of("docker", "create", "--network=none"));
      command.addAll(List.of("-e", "TOKEN=hunter2", IMAGE));
      List<String> builds = BuilderProcess.command("Chroot", roots.scratch(), root, script);
      command.add("java");
      command.addAll(BuilderProcess.withClassPath(builds.subList(1, builds.size()), classPath));
      String container = create(command);
      try {
        // The daemon may see other files than this process, so volumes would not do.
        String parent = roots.directory().resolveSibling("").toString();
        TestRoots.exec(
            List.of("docker", "cp", "-q", roots.directory().toString(), container + ":" + parent));
        BuilderProcess builder =
            BuilderProcess.start(List.of(), List.of("docker", "start", "-a", container));
        assertThat(builder.process().waitFor(100, TimeUnit.SECONDS)).isTrue();
        String errors = builder.stderr().get();
        assertThat(builder.stdout().get())
            .as(errors)
            .contains("all well")
            .doesNotContain("hunter2");
        // Namespaces are refused there, and the description says so.
        assertThat(errors).contains("chroot: own root", "not stronger, because namespaces: ");
      } finally {
        TestRoots.exec(List.of("docker", "rm", "-f", container));
      }
    }
  }

  private static String create(List<String> command) throws InterruptedException {
    try {
      String output = TestRoots.exec(command);
      return output.strip().lines().reduce((first, last) -> last).orElseThrow();
    } catch (IOException e) {
      return abort("docker cannot make a container of " + IMAGE + ": " + e.getMessage());
    }
  }
}
