package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import build.kiln.runtime.sandbox.Command;
import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A RUN that nothing can run, through no fault of its command, has its place all the same. */
class NoSandboxTest {
  @TempDir
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  @Test
  void noneIsFound() throws Exception {
    bench.sandboxes(
        () -> {
          throw new SandboxException(SandboxException.Code.UNAVAILABLE, "unshare: not permitted");
        });

    assertPlace(failure(), "unshare: not permitted");
  }

  @Test
  void itDoesNotStartAStep() throws Exception {
    assumeTrue(
        Objects.equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"), 0),
        "roots are made as root");
    bench.sandboxes(Broken::new);

    assertPlace(failure(), "cannot start /bin/sh");
  }

  private BuildException failure() throws IOException {
    String dockerfile = "FROM " + bench.debianLike() + "\nRUN true\n";
    return Objects.requireNonNull(
        catchThrowableOfType(BuildException.class, () -> bench.build(dockerfile)));
  }

  private static void assertPlace(BuildException failure, String reason) {
    assertThat(failure.reason()).isEqualTo(FailureReason.IsolationUnavailable);
    assertThat(failure)
        .hasMessageStartingWith("Dockerfile:2:1: ")
        .hasMessageContainingAll(reason, "2 | RUN true\n    | ^^^")
        .hasCauseInstanceOf(SandboxException.class);
  }

  /** Was found good and then is not. */
  private static final class Broken implements Sandbox {
    @Override
    public Isolation tier() {
      return Isolation.Chroot;
    }

    @Override
    public String description() {
      return "broken";
    }

    @Override
    public boolean overlay() {
      return false;
    }

    @Override
    public boolean mounts() {
      return false;
    }

    @Override
    public int run(RootSpec root, Command command, Output output) throws SandboxException {
      throw new SandboxException(
          SandboxException.Code.START_FAILED, "cannot start " + command.argv().getFirst());
    }
  }
}
