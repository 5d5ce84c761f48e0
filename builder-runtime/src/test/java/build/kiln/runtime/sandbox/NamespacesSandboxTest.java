package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NamespacesSandboxTest {
  static TestRoots roots;
  static Sandbox sandbox;

  @BeforeAll
  static void choose() throws Exception {
    roots = new TestRoots();
    sandbox =
        Sandboxes.choose(Isolation.Namespaces, SandboxConfig.of(roots.scratch(), false));
    System.out.println(sandbox.description());
  }

  @AfterAll
  static void remove() throws Exception {
    roots.close();
  }

  @Test
  void runs() throws Exception {
    RootSpec root = roots.overlay(roots.busybox());
    System.out.println(Ran.sh(sandbox, root, "id; ps; env; hostname; cat /etc/hosts; umask; grep -e Cap -e Sig -e Seccomp -e NoNew /proc/self/status; ls -la /dev /proc/self/fd"));
    System.out.println(Ran.argv(sandbox, root, "nosuch"));
    System.out.println(Ran.argv(sandbox, root, "/etc/passwd"));
    long t = System.nanoTime();
    for (int i = 0; i < 30; i++) Ran.argv(sandbox, root, "true");
    System.out.println((System.nanoTime() - t) / 30e6 + " ms");
  }
}
