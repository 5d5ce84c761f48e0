package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.operator.imagebuild.Reading.Ended;
import build.kiln.operator.imagebuild.Reading.Running;
import build.kiln.operator.imagebuild.Reading.SandboxFailed;
import build.kiln.operator.imagebuild.Reading.Waiting;
import build.kiln.operator.job.JobState;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the state of a build's Job means for the build. The builder's word is its termination
 * message and nothing else, never the log.
 */
final class BuildReader {
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  private BuildReader() {}

  /**
   * Reads a state.
   *
   * @param tier that the Job was made for
   */
  static Reading read(JobState state, Isolation tier) {
    return switch (state) {
      case JobState.Waiting waiting -> new Waiting(waiting.blocker());
      case JobState.NoUserNamespaces none ->
          tier == Isolation.Namespaces
              ? new SandboxFailed(none.message())
              : new Waiting(Optional.of(none.blocker()));
      case JobState.Running running -> new Running(running.pod());
      case JobState.Failed failed ->
          new Ended(
              result(failed.failure(), Records.readOutcome(failed.failure().word())), failed.pod());
      case JobState.Exited exited -> exited(exited, tier);
    };
  }

  private static Result.Failure result(JobState.Failure failure, Optional<Outcome> outcome) {
    return new Result.Failure(failure.reason(), failure.message(), outcome.orElse(null));
  }

  private static Reading exited(JobState.Exited end, Isolation tier) {
    var outcome = Records.readOutcome(end.message());
    if (end.code() == ExitCode.OK.code()) {
      return new Ended(success(outcome), end.podName());
    }
    if (end.code() == ExitCode.SANDBOX.code()) {
      return new SandboxFailed(
          outcome
              .map(Outcome::message)
              .orElse("the builder says that the sandbox %s does not start".formatted(tier)));
    }
    var disrupted = outcome.isEmpty() ? end.disrupted() : Optional.<JobState.Failure>empty();
    return new Ended(
        disrupted.map(failure -> result(failure, outcome)).orElseGet(() -> failure(end, outcome)),
        end.podName());
  }

  private static Result success(Optional<Outcome> outcome) {
    if (outcome.isPresent() && outcome.get().succeeded()) {
      var said = outcome.get();
      var image = said.image();
      var digest = said.digest();
      if (image != null
          && digest != null
          && DIGEST.matcher(digest).matches()
          && image.endsWith("@" + digest)) {
        return new Result.Success(said, image, digest);
      }
    }
    return new Result.Failure(
        FailureReason.Infrastructure,
        "the builder ended well but its termination message names no image; is the builder image of the operator's release?");
  }

  private static Result.Failure failure(JobState.Exited end, Optional<Outcome> outcome) {
    var said = outcome.filter(word -> !word.succeeded());
    var reason = said.map(Outcome::reason).orElse(null);
    if (reason == FailureReason.OutOfMemory) {
      return result(end.outOfHeap(), said);
    }
    if (said.isPresent() && reason != null) {
      return new Result.Failure(
          reason,
          requireNonNullElse(said.get().message(), "the builder gave no message; see its log"),
          said.get());
    }
    var failure = end.withoutWord();
    return failure.reason() == FailureReason.OutOfMemory
        ? result(failure, said)
        : result(failure, Optional.empty());
  }
}
