package build.kiln.runtime.sandbox;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NamespacesSandboxTest extends SandboxContract {
  private static @Nullable TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.choose(Isolation.Namespaces);
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
  Path scratch() {
    return requireNonNull(tested).own().scratch();
  }

  @Override
  RootSpec root() throws Exception {
    return roots.overlay(roots.busybox());
  }

  @Test
  void saysHow() {
    assertThat(sandbox().description()).startsWith("namespaces: ").doesNotContain("\n");
    assertThat(sandbox().tier()).isEqualTo(Isolation.Namespaces);
    assertThat(sandbox().overlay()).isTrue();
  }

  @Test
  void blamesAProgramOfUnknownFormat() throws Exception {
    RootSpec root = root();
    executable(filesOf(root).resolve("bad-format"), "\0\1\2");
    Ran ran = Ran.argv(sandbox(), root, "/bad-format");
    assertThat(ran.code()).isEqualTo(126);
    assertThat(ran.out()).contains("/bad-format").doesNotContain("{");
  }

  @Test
  void runsOnADirectory() throws Exception {
    RootSpec root = new RootSpec.Directory(roots.busybox());
    Ran ran = Ran.sh(sandbox(), root, "echo a >/new; hostname; echo $$");
    assertThat(ran.out()).as(ran.toString()).isEqualTo("kiln\n1");
    assertThat(filesOf(root).resolve("new")).hasContent("a\n");
  }

  @Test
  void runsOnManyLowers() throws Exception {
    Path busybox = roots.busybox();
    Path[] lowers = new Path[300];
    for (int i = 0; i < 299; i++) {
      lowers[i] =
          java.nio.file.Files.createDirectory(
              roots.directory().resolve("a long name, with: odd characters " + i));
      java.nio.file.Files.createFile(lowers[i].resolve("f" + i));
    }
    lowers[299] = busybox;
    assertThat(Ran.sh(sandbox(), roots.overlay(lowers), "ls /f* | wc -l").out()).isEqualTo("299");
  }
}
