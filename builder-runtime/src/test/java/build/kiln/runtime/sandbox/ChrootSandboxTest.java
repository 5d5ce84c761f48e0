package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChrootSandboxTest extends SandboxContract {
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
  Path scratch() {
    return tested.own().scratch();
  }

  @Override
  RootSpec root() throws Exception {
    return new RootSpec.Directory(roots.busybox());
  }

  @Test
  void mountsNoOverlay() throws Exception {
    assertThat(sandbox().overlay()).isFalse();
    RootSpec overlay = roots.overlay(roots.busybox());
    assertThatThrownBy(() -> Ran.argv(sandbox(), overlay, "true"))
        .isInstanceOf(SandboxException.class)
        .extracting(e -> ((SandboxException) e).code())
        .isEqualTo(SandboxException.Code.UNSUPPORTED);
  }

  @Test
  void neverWritesThroughLinksOfTheRoot() throws Exception {
    Path outside = Files.createDirectory(roots.directory().resolve("outside"));
    Files.writeString(outside.resolve("hosts"), "precious");
    for (String name : new String[] {"etc", "dev"}) {
      Path root = roots.busybox();
      TestRoots.exec(java.util.List.of("rm", "-rf", root.resolve(name).toString()));
      Files.createSymbolicLink(root.resolve(name), outside);
      assertThatThrownBy(() -> Ran.argv(sandbox(), new RootSpec.Directory(root), "true"))
          .isInstanceOf(SandboxException.class)
          .hasMessageContaining("ELOOP");
    }
    assertThat(outside.resolve("hosts")).hasContent("precious");
    try (var files = Files.list(outside)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void aStepCannotChangeTheNextOnesTools() throws Exception {
    RootSpec root = root();
    String tamper = "for f in /dev/.kiln/*; do echo '#!/bin/sh' >$f; done; ls /dev/.kiln";
    assertThat(Ran.sh(sandbox(), root, tamper).out()).contains("setpriv");
    assertThat(Ran.sh(sandbox(), root, "echo fine").out()).isEqualTo("fine");
  }
}
