package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A builder that is killed by SIGKILL can do nothing any more; its steps end all the same. */
@Timeout(60)
class BuilderDeathTest {
  @ParameterizedTest
  @EnumSource(names = {"Namespaces", "Chroot"})
  void endsItsSteps(Isolation tier) throws Exception {
    try (TestSandbox tested = TestSandbox.choose(tier);
        TestRoots roots = new TestRoots()) {
      Path busybox = roots.busybox();
      boolean overlay = tested.sandbox().overlay();
      RootSpec root = overlay ? roots.overlay(busybox) : new RootSpec.Directory(busybox);
      String script = "setsid sleep 9876 & trap '' TERM HUP INT; sleep 9876; sleep 9876";
      BuilderProcess builder =
          BuilderProcess.start(
              List.of(),
              BuilderProcess.command(
                  tier == Isolation.Chroot ? RunOnce.CHROOT_ONLY : tier.name(),
                  roots.scratch(),
                  root,
                  script));
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () -> SandboxContract.processes("sleep 9876") == 2 || !builder.process().isAlive());
      assertThat(builder.process().isAlive()).as("%s", builder).isTrue();
      builder.process().destroyForcibly().waitFor();
      await().until(() -> SandboxContract.processes("sleep 9876") == 0);
      await()
          .untilAsserted(
              () -> {
                assertThat(launchers(roots.directory())).isZero();
              });
      assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
          .doesNotContain(roots.directory().toString());
      Sandboxes.choose(Isolation.Auto, SandboxConfig.of(roots.scratch(), true));
      try (var left = Files.list(roots.scratch())) {
        assertThat(left).isEmpty();
      }
    }
  }

  /** Shells and crun that have the directory in their command line. */
  private static long launchers(Path directory) {
    return ProcessHandle.allProcesses()
        .filter(p -> p.info().commandLine().orElse("").contains(directory.toString()))
        .count();
  }
}
