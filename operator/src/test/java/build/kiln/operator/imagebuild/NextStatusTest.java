package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.pushed;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.operator.settings.Settings;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NextStatusTest {
  private static final Settings SETTINGS = TestCluster.settings("");
  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final Observed NOTHING = new Observed(List.of(), null, null, null, null);
  private static final String HELLO = "dockerfile: {inline: \"FROM scratch\"}";
  private static final Result GOOD =
      new Result.Success(pushed("r/x"), "r/x@" + TestCluster.DIGEST, TestCluster.DIGEST);
  private static final Result BAD = new Result.Failure(FailureReason.StepFailed, "exit 7");

  /** Who waits for Ready after a wish for a rebuild must not get the image of before it. */
  @ParameterizedTest(name = "{0}, rebuild {1}, {2}")
  @CsvSource({
    "HELLO, '', good, True, Succeeded",
    "HELLO, again, good, Unknown, Pending",
    "HELLO, again, bad, Unknown, Pending",
    "HELLO, '', bad, False, StepFailed",
    "OTHER suspended, '', good, Unknown, Suspended",
    "HELLO suspended, '', good, True, Succeeded",
    "HELLO suspended, again, good, Unknown, Suspended",
  })
  void aRunThatEndedIsReadyUnlessAnotherIsDue(
      String spec, String rebuild, String result, String ready, String reason) {
    var build = TestCluster.build("hello", HELLO);
    build.setStatus(
        after(build, new Action.Accept(new ImageBuildStatus.Cause("Created", null, null))));
    var changed = spec.startsWith("OTHER") ? HELLO.replace("scratch", "other") : HELLO;
    build.setSpec(
        TestCluster.build("hello", changed + "\nsuspend: " + spec.endsWith("suspended")).getSpec());
    if (!rebuild.isEmpty()) {
      build.getMetadata().setAnnotations(Map.of(ImageBuild.REBUILD_ANNOTATION, rebuild));
    }

    var status = after(build, new Action.Finish(result.equals("good") ? GOOD : BAD));

    var condition = status.condition("Ready").orElseThrow();
    assertThat(condition.getStatus()).isEqualTo(ready);
    assertThat(condition.getReason()).isEqualTo(reason);
    assertThat(status.newestRun().orElseThrow().phase().finished()).isTrue();
  }

  private static ImageBuildStatus after(ImageBuild build, Action action) {
    return NextStatus.of(build, NOTHING, action, SETTINGS, NOW);
  }
}
