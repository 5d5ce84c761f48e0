package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The three conditions that kstatus reads. A transition time changes only with the status. */
public final class Conditions {
  public static final String READY = "Ready";
  public static final String RECONCILING = "Reconciling";
  public static final String STALLED = "Stalled";

  /** The reason of Ready when a run is due and {@code spec.suspend} holds it. */
  public static final String SUSPENDED = "Suspended";

  /** The reason of Ready, and of an event, when passes fail again and again. */
  public static final String RECONCILE_FAILED = "ReconcileFailed";

  private Conditions() {}

  /** True, False or Unknown. */
  public enum Value {
    True,
    False,
    Unknown
  }

  /**
   * What is so at present.
   *
   * @param ready whether what the spec asks for is so
   * @param reason of Ready; the others have it too when they are true
   * @param reconciling whether Kiln works or tries again by itself
   * @param stalled whether only a person can help
   */
  public record Now(
      Value ready, String reason, String message, boolean reconciling, boolean stalled) {}

  /** The condition of a type. */
  public static Optional<Condition> find(@Nullable List<Condition> conditions, String type) {
    return Stream.ofNullable(conditions)
        .flatMap(List::stream)
        .filter(condition -> type.equals(condition.getType()))
        .findFirst();
  }

  /**
   * The conditions that a status has now.
   *
   * @param before those that it had
   */
  public static List<Condition> of(
      @Nullable List<Condition> before, @Nullable Long generation, Instant time, Now now) {
    var at = time.truncatedTo(ChronoUnit.SECONDS).toString();
    return List.of(
        condition(before, READY, now.ready(), now.reason(), now.message(), generation, at),
        bool(before, RECONCILING, now.reconciling(), "Progressing", "Idle", now, generation, at),
        bool(before, STALLED, now.stalled(), now.reason(), "NotStalled", now, generation, at));
  }

  private static Condition bool(
      @Nullable List<Condition> before,
      String type,
      boolean value,
      String whenTrue,
      String whenFalse,
      Now now,
      @Nullable Long generation,
      String at) {
    return condition(
        before,
        type,
        value ? Value.True : Value.False,
        value ? whenTrue : whenFalse,
        // Ready has the long text; a second copy would only be larger.
        value ? now.message().lines().findFirst().orElse("") : "",
        generation,
        at);
  }

  private static Condition condition(
      @Nullable List<Condition> before,
      String type,
      Value value,
      String reason,
      String message,
      @Nullable Long generation,
      String at) {
    var since =
        find(before, type)
            .filter(old -> value.name().equals(old.getStatus()))
            .map(old -> requireNonNullElse(old.getLastTransitionTime(), at))
            .orElse(at);
    return new ConditionBuilder()
        .withType(type)
        .withStatus(value.name())
        .withReason(reason)
        .withMessage(message)
        .withObservedGeneration(generation)
        .withLastTransitionTime(since)
        .build();
  }
}
