package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventSeries;
import io.fabric8.kubernetes.api.model.MicroTime;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What an event says. */
public record EventNote(String reason, String message) {

  /** When what an event tells happened last; the earliest time there is if it does not say. */
  public static Instant time(Event event) {
    var series =
        Optional.<@Nullable EventSeries>ofNullable(event.getSeries())
            .map(EventSeries::getLastObservedTime)
            .map(MicroTime::getTime);
    var once =
        Optional.<@Nullable MicroTime>ofNullable(event.getEventTime()).map(MicroTime::getTime);
    return Stream.of(
            Optional.ofNullable(event.getLastTimestamp()),
            series,
            once,
            Optional.ofNullable(event.getMetadata().getCreationTimestamp()))
        .flatMap(Optional::stream)
        .findFirst()
        .map(time -> OffsetDateTime.parse(time).toInstant())
        // After the one that asks for all of them.
        .orElse(Instant.MIN.plusSeconds(1));
  }
}
