package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A program that copies images from registry to registry. */
interface CopyTool {
  /** As the table has it. */
  String name();

  /**
   * What it says of its version, in a line.
   *
   * @throws IOException with what is missing, if it cannot take part here
   */
  String version() throws IOException, InterruptedException;

  /**
   * Makes it ready, as if it had never copied anything.
   *
   * @param folder an empty one for its files
   * @return the command that does the job
   */
  List<String> prepare(CopyJob job, Path folder) throws IOException, InterruptedException;
}
