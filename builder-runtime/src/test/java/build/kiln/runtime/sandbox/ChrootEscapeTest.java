package build.kiln.runtime.sandbox;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.posix.SignalScope;
import build.kiln.runtime.rootfs.RootSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChrootEscapeTest extends EscapeContract {
  private static @Nullable TestSandbox tested;

  /** One for all tests, since copying takes longer than they do. */
  private static @Nullable RootSpec root;

  @BeforeAll
  static void choose() throws Exception {
    TestSandbox chroot = TestSandbox.choose(Isolation.Chroot);
    tested = chroot;
    root = new RootSpec.Directory(chroot.own().debianCopy());
  }

  @AfterAll
  static void remove() throws Exception {
    if (tested != null) {
      tested.close();
    }
  }

  @Override
  Sandbox sandbox() {
    return requireNonNull(tested).sandbox();
  }

  @Override
  RootSpec root() {
    return requireNonNull(root);
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
    assertThat(ran.out())
        .contains("chroot: cannot change root")
        .contains("/n: Operation not permitted")
        .contains("/b: Operation not permitted")
        .contains("unshare failed: Operation not permitted");
  }
}
