package build.kiln.runtime.sandbox;

import build.kiln.runtime.rootfs.RootSpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What is left where the kernel allows no new /proc: the builder's processes can be listed. */
class InheritedProcEscapeTest extends EscapeContract {
  private static TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.recipe(Recipe.INHERITED_PROC);
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
}
