package build.kiln.api.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.ImageBuildStatus.Cause;
import build.kiln.api.v1alpha1.ImageBuildStatus.Failure;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusSizeTest {
  private static final String DIGEST = "sha256:" + "a".repeat(64);

  private static ImageBuildStatus status(int runs, int steps, String text) {
    return new ImageBuildStatus(
        1L,
        "registry.example.com/x@" + DIGEST,
        "hash",
        "2026-01-01",
        null,
        "3/6",
        IntStream.range(0, runs).mapToObj(i -> run(runs - i, steps, text)).toList(),
        List.of(
            new ConditionBuilder().withType("Ready").withStatus("False").withMessage(text).build(),
            new ConditionBuilder()
                .withType("Stalled")
                .withStatus("True")
                .withMessage(text)
                .build()));
  }

  private static Run run(int number, int steps, String text) {
    return new Run(
        number,
        new Cause("SpecChanged", text, text),
        "hash",
        "pod",
        "c0ffee",
        Phase.Failed,
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:00Z",
        List.of(
            new PlatformRun(
                "linux/amd64",
                "job",
                DIGEST,
                new IsolationReport(Isolation.Auto, Isolation.Chroot, text),
                1L,
                2L)),
        new Progress(1, 2, text),
        IntStream.range(0, steps)
            .mapToObj(i -> new Step(i + text, CacheResult.Miss, text, "1s", DIGEST, 5L))
            .toList(),
        new Failure(FailureReason.StepFailed, text, 7, text, text));
  }

  @ParameterizedTest(name = "{0} runs, {1} steps, texts of {2}")
  @CsvSource({
    "0,0,0",
    "1,0,0",
    "1,50,20",
    "1,60,200",
    "1,500,5000",
    "7,50,20",
    "21,50,300",
    "32,200,9000"
  })
  void aStatusIsAlwaysSmallAndSaysWhatMattersMost(int runs, int steps, int length) {
    for (String character : List.of("x", "\u0001", "🔥")) {
      ImageBuildStatus fitted =
          StatusSize.fit(status(runs, steps, character.repeat(length / character.length())));

      assertThat(StatusSize.size(fitted)).isLessThan(StatusSize.LIMIT);
      assertThat(fitted.image()).endsWith(DIGEST);
      assertThat(fitted.condition("Ready")).isPresent();
      assertThat(fitted.allRuns()).hasSizeLessThanOrEqualTo(32);
      if (runs > 0) {
        assertThat(fitted.allRuns().getFirst())
            .satisfies(
                run -> {
                  assertThat(run.number()).isEqualTo(runs);
                  assertThat(run.failure()).extracting(Failure::exitCode).isEqualTo(7);
                  assertThat(run.steps()).hasSizeLessThanOrEqualTo(50);
                });
      }
    }
  }

  @Test
  void onlyTheNewestRunKeepsStepsAndItKeepsTheLastOfThem() {
    ImageBuildStatus fitted = StatusSize.fit(status(2, 200, "RUN make"));

    assertThat(fitted.allRuns().getFirst().steps())
        .last()
        .extracting(Step::instruction)
        .asString()
        .startsWith("199");
    assertThat(fitted.allRuns().getLast().steps()).isNull();
  }

  @Test
  void aSmallStatusStaysAsItIs() {
    ImageBuildStatus small = status(1, 3, "RUN make");

    assertThat(StatusSize.fit(small)).isEqualTo(small);
  }
}
