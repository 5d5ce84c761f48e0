package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.ChildProcess;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Starts programs in a session of their own, so that no terminal's signals reach them, with an
 * empty environment, in the root directory.
 *
 * @param setsid the program that makes one where the C library cannot
 */
record Session(Path setsid) implements StepProcess.Starter {
  @Override
  public Process start(List<String> argv) throws IOException {
    return ChildProcess.supported() ? ChildProcess.start(argv) : startBySetsid(argv);
  }

  Process startBySetsid(List<String> argv) throws IOException {
    List<String> command = new ArrayList<>(List.of(setsid.toString()));
    command.addAll(argv);
    ProcessBuilder builder = new ProcessBuilder(command).directory(new File("/"));
    builder.environment().clear();
    return builder.start();
  }
}
