package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.store.StoreImages.Image;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a removal is limited to, in docker's words.
 *
 * @param until only what is older; null for any age
 * @param labels all of which an image must meet
 */
record PruneFilters(@Nullable Instant until, List<Label> labels) {
  static final String UNTIL = "until";
  static final String LABEL = "label";

  /**
   * A condition on an image's labels.
   *
   * @param value null for any
   */
  record Label(String key, @Nullable String value, boolean wanted) {
    boolean accepts(Map<String, String> labels) {
      String found = labels.get(key);
      boolean matches = found != null && (value == null || value.equals(found));
      return matches == wanted;
    }
  }

  PruneFilters {
    labels = List.copyOf(labels);
  }

  /**
   * Reads {@code until=...}, {@code label=...} and {@code label!=...}.
   *
   * @param known which of them make sense
   */
  static PruneFilters parse(List<String> filters, Set<String> known, Clock clock)
      throws CommandFailure {
    Instant until = null;
    var labels = new ArrayList<Label>();
    for (String filter : filters) {
      int equals = filter.indexOf('=');
      boolean wanted = equals < 1 || filter.charAt(equals - 1) != '!';
      String name = equals < 0 ? filter : filter.substring(0, wanted ? equals : equals - 1);
      if (equals < 0 || !known.contains(name) || name.equals(UNTIL) && !wanted) {
        throw CommandFailure.usage(
            "--filter %s: want %s"
                .formatted(
                    filter,
                    known.contains(LABEL)
                        ? "until=24h, label=KEY, label=KEY=VALUE or label!=KEY"
                        : "until=24h"));
      }
      String value = filter.substring(equals + 1);
      if (name.equals(UNTIL)) {
        until = time(value, clock);
      } else {
        String[] parts = value.split("=", 2);
        labels.add(new Label(parts[0], parts.length == 1 ? null : parts[1], wanted));
      }
    }
    return new PruneFilters(until, labels);
  }

  /** A duration before now, a time with or without its zone (then UTC), a day, or seconds. */
  private static Instant time(String text, Clock clock) throws CommandFailure {
    try {
      return clock.instant().minus(Durations.parse(text));
    } catch (IllegalArgumentException noDuration) {
      return pointInTime(text)
          .orElseThrow(
              () ->
                  CommandFailure.usage(
                      "--filter until=%s: want a duration such as 24h or 10m, a time such as 2026-01-31T12:00:00Z, or seconds since 1970"
                          .formatted(text)));
    }
  }

  private static Optional<Instant> pointInTime(String text) {
    try {
      if (text.matches("[0-9]{1,12}")) {
        return Optional.of(Instant.ofEpochSecond(Long.parseLong(text)));
      } else if (text.matches("[0-9-]{10}")) {
        return Optional.of(LocalDate.parse(text).atStartOfDay().toInstant(ZoneOffset.UTC));
      } else if (text.matches(".*(Z|[+-][0-9]{2}:[0-9]{2})")) {
        return Optional.of(OffsetDateTime.parse(text).toInstant());
      }
      return Optional.of(LocalDateTime.parse(text).toInstant(ZoneOffset.UTC));
    } catch (DateTimeException noTime) {
      return Optional.empty();
    }
  }

  /** Whether an image is old enough and has the labels; one that says nothing of its age is not. */
  boolean accepts(Image image) {
    ImageConfig config = image.config();
    if (until != null && !created(config).filter(time -> time.isBefore(until)).isPresent()) {
      return false;
    }
    Map<String, String> found =
        Optional.ofNullable(config)
            .flatMap(c -> Optional.ofNullable(c.config()))
            .flatMap(c -> Optional.ofNullable(c.labels()))
            .orElse(Map.of());
    return labels.stream().allMatch(label -> label.accepts(found));
  }

  private static Optional<Instant> created(@Nullable ImageConfig config) {
    try {
      return config == null
          ? Optional.empty()
          : Optional.of(
              OffsetDateTime.parse(Objects.requireNonNullElse(config.created(), "")).toInstant());
    } catch (DateTimeException unreadable) {
      return Optional.empty();
    }
  }
}
