package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run is a process, which is killed (SIGKILL) in its middle; then another one comes. */
class KilledRunTest {
  private static final int KILLS = Integer.getInteger("kiln.prune.kills", 2);
  private static final int IMAGES = 30;

  @TempDir Path folder;

  @Test
  void theNextRunDoesTheRestAndNothingIsLost() throws Exception {
    for (int kill = 0; kill < KILLS; kill++) {
      try (EmbeddedRegistry registry = EmbeddedRegistry.start();
          var desk = new Desk(registry.host(), folder.resolve("" + kill))) {
        killAndRunAgain(registry, desk, 1 + kill * 7 % (IMAGES - 2));
      }
    }
  }

  private void killAndRunAgain(EmbeddedRegistry registry, Desk desk, int after) throws Exception {
    Descriptor shared = desk.image("app", "shared");
    List<Descriptor> own = new ArrayList<>();
    for (int i = 0; i < IMAGES; i++) {
      own.add(desk.image("app", "own " + i));
      desk.index("app:pr-" + i, own.get(i), shared);
    }
    plan(desk);
    desk.clock.advance(Duration.ofDays(10));
    Descriptor newest = desk.index("app:pr-newest", shared);
    assertThat(plan(desk).deletedDigests()).isEqualTo(2 * IMAGES);

    killAfter(registry, desk, after);
    int left = desk.client.listTags(desk.ref("app")).size();
    assertThat(left).isBetween(2, IMAGES);
    // Content without tags would be let go by its age; here only what the killed run left is.
    Plan next = plan(desk);
    RunReport report = desk.executor().execute(next, "");

    assertThat(report.failed() + report.left()).isZero();
    assertThat(desk.client.listTags(desk.ref("app"))).containsExactly("pr-newest");
    for (Descriptor gone : own) {
      assertThat(desk.has("app", gone)).isFalse();
    }
    assertThat(desk.has("app", newest)).isTrue();
    assertThat(desk.has("app", shared)).isTrue();
    assertThat(plan(desk).deletions()).isZero();
  }

  private static Plan plan(Desk desk) throws IOException {
    return desk.plan(desk.policy(1), InUse.NOTHING, "app");
  }

  private void killAfter(EmbeddedRegistry registry, Desk desk, int deletions) throws Exception {
    registry.requests().clear();
    Process run =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                registry.host(),
                desk.folder.toString(),
                desk.clock.instant().toString())
            .inheritIO()
            .start();
    try {
      Awaitility.await()
          .atMost(Duration.ofMinutes(1))
          .pollInterval(Duration.ofMillis(1))
          .until(
              () ->
                  registry.requests().count("DELETE", "/manifests/") >= deletions
                      || !run.isAlive());
    } finally {
      run.destroyForcibly();
    }
    assertThat(run.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(run.exitValue()).as("killed, and not at its end").isNotZero();
  }

  /** The process that is killed. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) throws IOException {
      try (var desk = new Desk(arguments[0], Path.of(arguments[1]))) {
        desk.clock.set(Instant.parse(arguments[2]));
        desk.executor().execute(plan(desk), "");
      }
    }
  }
}
