package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.posix.SystemCalls;
import java.nio.charset.StandardCharsets;

/**
 * Makes on a thread of its own, while the command line is read, what nearly all commands need soon
 * and what takes a JVM longest to make: the way into the kernel, the powers of {@code BigDecimal}
 * that a JSON parser wants, and the providers of hashes. Together 50 milliseconds.
 */
final class HeadStart {
  private static final byte[] NOTHING = "{}".getBytes(StandardCharsets.US_ASCII);

  private HeadStart() {}

  static void begin() {
    Thread.ofPlatform().daemon().name("kiln-head-start").start(HeadStart::make);
  }

  private static void make() {
    SystemCalls.prepare();
    Json.tree(NOTHING, "nothing");
    Digest.ofBytes(NOTHING);
  }
}
