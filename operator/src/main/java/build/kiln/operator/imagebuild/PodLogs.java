package build.kiln.operator.imagebuild;

import java.util.Optional;

/** The end of a builder's log. */
@FunctionalInterface
public interface PodLogs {
  /**
   * Reads the last lines of a container's log; they may be cut at the start. Empty if the log
   * cannot be read, which is no error: nothing that decides is in a log.
   */
  Optional<String> tail(String namespace, String pod, String container, int lines);
}
