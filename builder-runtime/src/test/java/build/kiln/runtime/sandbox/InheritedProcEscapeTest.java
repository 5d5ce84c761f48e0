package build.kiln.runtime.sandbox;

import static java.util.Objects.requireNonNull;

import build.kiln.runtime.rootfs.RootSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What is left where the kernel allows no new /proc: the builder's processes can be listed. */
class InheritedProcEscapeTest extends EscapeContract {
  private static @Nullable TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.recipe(Recipe.INHERITED_PROC);
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
  RootSpec root() throws Exception {
    return roots.overlay(TestRoots.debian());
  }

  @Override
  boolean reachesAbstractSockets() {
    return true;
  }
}
