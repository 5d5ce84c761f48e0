package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.posix.SystemCalls;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Makes on a thread of its own, while the command line is read, what nearly all commands need soon
 * and what takes a JVM longest to make: the way into the kernel, the powers of {@code BigDecimal}
 * that a JSON parser wants, and the providers of hashes. Together 50 milliseconds.
 */
final class HeadStart {
  private static final byte[] NOTHING = "{}".getBytes(StandardCharsets.US_ASCII);

  /** These speak with registries only. */
  private static final Set<String> WITHOUT_KERNEL = Set.of("sync", "copy", "ls", "digest");

  private HeadStart() {}

  /**
   * @param arguments of the command line
   */
  static void begin(String... arguments) {
    boolean kernel = arguments.length == 0 || !WITHOUT_KERNEL.contains(arguments[0]);
    Thread.ofPlatform().daemon().name("kiln-head-start").start(() -> make(kernel));
  }

  private static void make(boolean kernel) {
    if (kernel) {
      SystemCalls.prepare();
    }
    Json.tree(NOTHING, "nothing");
    Digest.ofBytes(NOTHING);
  }
}
