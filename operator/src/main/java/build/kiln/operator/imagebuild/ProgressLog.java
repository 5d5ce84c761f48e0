package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.work.Records;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.PodLogs;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How far builders are, by their logs. Of a log that was read before, only what it got since is
 * asked for: a step may print much, and many builders are asked every few seconds.
 */
final class ProgressLog {
  static final int LINES = 1000;

  /** Log times are told in whole seconds, and a line is written a moment after its time. */
  static final Duration OVERLAP = Duration.ofSeconds(2);

  private static final int REMEMBERED = 500;

  private final PodLogs logs;
  private final Map<String, Seen> known =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Seen> eldest) {
              return size() > REMEMBERED;
            }
          });

  private record Seen(Instant at, @Nullable Progress progress) {}

  ProgressLog(PodLogs logs) {
    this.logs = logs;
  }

  /** The last that a builder said; empty if it said nothing yet, or its log cannot be read. */
  Optional<Progress> of(String namespace, String pod, String nonce, Instant now) {
    var key = namespace + "/" + pod;
    var seen = known.get(key);
    var log =
        seen == null
            ? logs.tail(namespace, pod, JobSpec.CONTAINER, LINES)
            : logs.recent(namespace, pod, JobSpec.CONTAINER, LINES, since(seen.at(), now));
    var before = seen == null ? null : seen.progress();
    if (log.isEmpty()) {
      return Optional.ofNullable(before);
    }
    var progress = Records.lastProgress(nonce, log.get()).orElse(before);
    known.put(key, new Seen(now, progress));
    return Optional.ofNullable(progress);
  }

  private static Duration since(Instant at, Instant now) {
    return Duration.between(at, now.isBefore(at) ? at : now).plus(OVERLAP);
  }
}
