package build.kiln.runtime.sandbox;

import build.kiln.runtime.rootfs.RootSpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Without pivot_root(2) the old root is below the new one. */
class NoPivotEscapeTest extends EscapeContract {
  private static TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.recipe(Recipe.UNMASKED_PROC_NO_PIVOT);
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
