package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.posix.SignalScope;
import build.kiln.runtime.rootfs.RootSpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChrootEscapeTest extends EscapeContract {
  private static TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.choose(Isolation.Chroot);
  }

  @AfterAll
  static void remove() throws Exception {
    tested.close();
  }

  @Override
  Sandbox sandbox() {
    return tested.sandbox();
  }

  @Override
  RootSpec root() throws Exception {
    return new RootSpec.Directory(roots.debianCopy());
  }

  @Override
  boolean reachesAbstractSockets() {
    return !SignalScope.supported();
  }

  @Override
  @Test
  void signals() throws Exception {
    assumeTrue(SignalScope.supported(), "the kernel has no signal scope of Landlock");
    super.signals();
  }

  @Test
  void capabilitiesThatLeadOutAreGone() throws Exception {
    Ran ran =
        attack("mkdir -p /x; chroot /x true; mknod /n c 1 3; mknod /b b 8 0; unshare -U true");
    assertThat(ran.err())
        .contains("chroot: cannot change root")
        .contains("/n: Operation not permitted")
        .contains("/b: Operation not permitted")
        .contains("unshare failed: Operation not permitted");
  }
}
