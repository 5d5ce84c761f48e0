package build.kiln.api.v1alpha1;

import build.kiln.api.v1alpha1.ImageBuildStatus.Failure;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a status small: ten thousand of them live in etcd and in the operator's memory. Rounds that
 * leave out ever more, the least useful first: texts of older runs, then steps' texts, then steps
 * (the last ones stay), then the oldest runs. Conditions, the image and the newest run's reason
 * always stay.
 */
public final class StatusSize {
  /** The whole status as JSON is smaller than this. */
  public static final int LIMIT = 8 * 1024;

  /** The longest text of a condition's message. */
  private static final int CONDITION_MESSAGE = 1024;

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final List<Round> ROUNDS =
      List.of(
          new Round(50, 200, 1500, 2000, 32, 300),
          new Round(50, 100, 1000, 1200, 32, 150),
          new Round(50, 50, 800, 800, 16, 80),
          new Round(30, 50, 600, 600, 8, 80),
          new Round(15, 40, 400, 400, 8, 40),
          new Round(5, 40, 200, 200, 4, 40),
          new Round(0, 20, 100, 100, 1, 20));

  /**
   * What a round keeps.
   *
   * @param steps of the newest run
   * @param text characters of a step's text
   * @param message characters of the newest run's failure message
   * @param tail characters of the newest run's log tail
   * @param runs in all
   * @param old characters of an older run's texts
   */
  private record Round(int steps, int text, int message, int tail, int runs, int old) {}

  private StatusSize() {}

  /** The status itself if it is small enough, else one that says less. */
  public static ImageBuildStatus fit(ImageBuildStatus whole) {
    ImageBuildStatus shortened = whole;
    for (Round round : ROUNDS) {
      shortened = shorten(whole, round);
      if (size(shortened) < LIMIT) {
        return shortened;
      }
    }
    return shortened;
  }

  /** The size as JSON in bytes. */
  public static int size(ImageBuildStatus status) {
    try {
      return JSON.writeValueAsBytes(status).length;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a status that cannot be written as JSON", e);
    }
  }

  private static ImageBuildStatus shorten(ImageBuildStatus whole, Round round) {
    List<Run> runs = whole.allRuns();
    return new ImageBuildStatus(
        whole.observedGeneration(),
        whole.image(),
        whole.inputsHash(),
        whole.lastHandledRebuild(),
        whole.queuePosition(),
        whole.step(),
        whole.runs() == null
            ? null
            : IntStream.range(0, Math.min(runs.size(), round.runs()))
                .mapToObj(i -> shorten(runs.get(i), i == 0, round))
                .toList(),
        Optional.ofNullable(whole.conditions())
            .map(conditions -> conditions.stream().map(c -> shorten(c, round)).toList())
            .orElse(null));
  }

  private static Condition shorten(Condition whole, Round round) {
    return new ConditionBuilder(whole)
        .withMessage(Text.start(whole.getMessage(), Math.min(CONDITION_MESSAGE, round.message())))
        .build();
  }

  private static Run shorten(Run whole, boolean newest, Round round) {
    int text = newest ? Math.min(300, round.message() / 2) : round.old();
    return new Run(
        whole.number(),
        whole.cause() == null
            ? null
            : new ImageBuildStatus.Cause(
                whole.cause().type(),
                Text.start(whole.cause().from(), Math.min(text, 128)),
                Text.start(whole.cause().to(), Math.min(text, 128))),
        whole.inputsHash(),
        whole.podHash(),
        whole.revision(),
        whole.phase(),
        whole.startTime(),
        whole.completionTime(),
        Optional.ofNullable(whole.platforms())
            .map(all -> all.stream().map(p -> shorten(p, text)).toList())
            .orElse(null),
        whole.progress() == null ? null : shorten(whole.progress(), round),
        newest ? steps(whole.steps(), round) : null,
        whole.failure() == null ? null : shorten(whole.failure(), newest, round));
  }

  private static PlatformRun shorten(PlatformRun whole, int text) {
    return new PlatformRun(
        whole.platform(),
        whole.job(),
        whole.digest(),
        whole.isolation() == null
            ? null
            : new IsolationReport(
                whole.isolation().requested(),
                whole.isolation().achieved(),
                Text.start(whole.isolation().detail(), text)),
        whole.pulledBytes(),
        whole.pushedBytes());
  }

  private static Progress shorten(Progress whole, Round round) {
    return new Progress(
        whole.step(), whole.of(), Text.start(whole.instruction(), Math.max(60, round.text())));
  }

  private static @Nullable List<Step> steps(@Nullable List<Step> whole, Round round) {
    if (whole == null) {
      return null;
    }
    return whole.subList(Math.max(0, whole.size() - round.steps()), whole.size()).stream()
        .map(
            step ->
                new Step(
                    Text.orEmpty(Text.start(step.instruction(), round.text())),
                    step.cache(),
                    Text.start(step.missReason(), round.text()),
                    step.duration(),
                    step.digest(),
                    step.size()))
        .toList();
  }

  private static Failure shorten(Failure whole, boolean newest, Round round) {
    return new Failure(
        whole.reason(),
        Text.start(whole.step(), newest ? Math.min(300, round.message() / 2) : round.old()),
        whole.exitCode(),
        Text.start(whole.message(), newest ? round.message() : round.old()),
        newest ? Text.end(whole.logTail(), round.tail()) : null);
  }
}
