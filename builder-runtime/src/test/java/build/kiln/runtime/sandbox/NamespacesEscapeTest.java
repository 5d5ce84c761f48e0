package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NamespacesEscapeTest extends EscapeContract {
  private static TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.choose(Isolation.Namespaces);
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
    return roots.overlay(TestRoots.debian());
  }

  @Override
  boolean reachesAbstractSockets() {
    return true;
  }

  @Test
  void onlyItsOwnProcessesAreThere() throws Exception {
    Ran ran =
        attack(
            "echo $$; ls /proc | grep -c '^[0-9]'; ls /proc/@PID@ /proc/@JVM@ 2>&1 | grep -c 'No such'");
    assertThat(ran.out().lines().findFirst()).hasValue("1");
    assertThat(ran.out().lines().skip(1).findFirst().map(Integer::parseInt).orElseThrow())
        .isLessThan(6);
  }

  @Test
  void setuidProcessSubstitutionAndTerminals() throws Exception {
    RootSpec root = root();
    Ran ran =
        Ran.sh(
            sandbox(),
            root,
            "cp /usr/bin/id /id && chmod 4755 /id; bash -c 'cat <(echo substituted)';"
                + " script -qc 'test -t 0 && echo terminal' /dev/null </dev/null;"
                + " perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalPort => 1023,"
                + " Listen => 1) ? \"port\\n\" : \"no port $!\\n\"'");
    assertThat(ran.out()).as(ran.toString()).contains("substituted", "terminal");
    assertThat(Ran.shAs(sandbox(), root, 1000, "/id -u; /id -ru").out()).isEqualTo("0\n1000");
  }
}
