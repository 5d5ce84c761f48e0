package build.kiln.runtime.sandbox;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Passes output on, and keeps the start of standard error. */
final class StderrHead implements Sandbox.Output {
  private static final int SIZE = 1024;

  private final Sandbox.Output next;
  private final ByteArrayOutputStream head = new ByteArrayOutputStream();

  StderrHead(Sandbox.Output next) {
    this.next = next;
  }

  @Override
  public void write(Stream stream, byte[] bytes, int length) {
    if (stream == Stream.STDERR && head.size() < SIZE) {
      head.write(bytes, 0, Math.min(length, SIZE - head.size()));
    }
    next.write(stream, bytes, length);
  }

  String text() {
    return head.toString(StandardCharsets.UTF_8);
  }
}
