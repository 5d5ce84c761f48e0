package build.kiln.runtime.bench;

import build.kiln.runtime.bench.Workload.Start;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/** A builder of images that takes part. */
interface Contender {
  /** As the table has it. */
  String name();

  /**
   * What it says of its version, in a line.
   *
   * @throws IOException with what is missing, if it cannot take part here
   */
  String version() throws IOException, InterruptedException;

  /** The shortest command there is. */
  List<String> versionCommand();

  /** Whether it can do builds that start so. */
  default boolean takesPart(Start start) {
    return true;
  }

  /** Makes it ready for builds at this place; whatever that takes is not measured. */
  Ready ready(Site site) throws IOException, InterruptedException;

  /** A builder that can be used at once. */
  @FunctionalInterface
  interface Ready extends AutoCloseable {
    /** The process that does the work, if it is not the command that does. */
    default OptionalLong daemon() {
      return OptionalLong.empty();
    }

    List<String> command(BuildJob job) throws IOException, InterruptedException;

    @Override
    default void close() throws IOException, InterruptedException {}
  }
}
