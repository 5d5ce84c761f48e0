package build.kiln.operator.job;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Times of statuses, which may have been written by anyone. */
public final class Times {
  private Times() {}

  /** A time in RFC 3339; empty if it is not there, or is none. */
  public static Optional<Instant> parse(@Nullable String text) {
    try {
      return text == null ? Optional.empty() : Optional.of(Instant.parse(text));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
