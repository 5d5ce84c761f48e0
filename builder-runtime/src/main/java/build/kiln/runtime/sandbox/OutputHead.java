package build.kiln.runtime.sandbox;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Passes output on, and keeps the start of it. */
final class OutputHead implements Sandbox.Output {
  private static final int SIZE = 1024;

  private final Sandbox.Output next;
  private final ByteArrayOutputStream head = new ByteArrayOutputStream();

  OutputHead(Sandbox.Output next) {
    this.next = next;
  }

  @Override
  public void write(byte[] bytes, int length) {
    if (head.size() < SIZE) {
      head.write(bytes, 0, Math.min(length, SIZE - head.size()));
    }
    next.write(bytes, length);
  }

  String text() {
    return head.toString(StandardCharsets.UTF_8);
  }
}
