package build.kiln.runtime.http;

import java.io.IOException;

/** A server did not take what was sent to it in the time it has. */
public final class NotTaken extends IOException {
  NotTaken(IOException cause) {
    super("it took no more of what was sent to it", cause);
  }
}
