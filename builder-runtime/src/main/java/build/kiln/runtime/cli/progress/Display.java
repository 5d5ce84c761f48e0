package build.kiln.runtime.cli.progress;

import build.kiln.runtime.build.BuildListener;

/** Shows a build to people; closing it leaves its last state readable. */
public interface Display extends BuildListener, AutoCloseable {
  /** Prints what is still held back; nothing more is shown after it. */
  @Override
  void close();
}
