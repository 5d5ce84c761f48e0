package build.kiln.runtime.build;

/**
 * One line of progress: a step of a stage, or work around the steps.
 *
 * @param number from 1, in the order of starting
 * @param name for people: {@code [builder 3/6] RUN npm ci}, {@code [internal] load build
 *     definition}, {@code pushing registry.example.com/app:1}
 * @param kind what it is
 * @param instruction the instruction as written, in one line; the name if it is no step
 */
public record Vertex(int number, String name, Kind kind, String instruction) {
  /** What a vertex is. */
  public enum Kind {
    /** Work before or beside the steps. */
    INTERNAL,
    /** A step of the Dockerfile: counts in "3 of 6". */
    STEP,
    /** Work on the result. */
    EXPORT
  }
}
