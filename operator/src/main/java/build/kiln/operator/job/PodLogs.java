package build.kiln.operator.job;

import java.time.Duration;
import java.util.Optional;

/** The end of a builder's log. */
@FunctionalInterface
public interface PodLogs {
  /**
   * Reads the last lines of a container's log; they may be cut at the start. Empty if the log
   * cannot be read, which is no error: nothing that decides is in a log.
   */
  Optional<String> tail(String namespace, String pod, String container, int lines);

  /**
   * Reads what a container's log got lately, at most these lines; more than that, where times of
   * lines are not known. Where it got very much, the end may be cut.
   *
   * @param within how far back, a second or more
   */
  default Optional<String> recent(
      String namespace, String pod, String container, int lines, Duration within) {
    return tail(namespace, pod, container, lines);
  }
}
