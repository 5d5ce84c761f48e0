package build.kiln.runtime.cli;

import build.kiln.runtime.cli.manifest.ManifestFile;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.posix.SystemCalls;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Makes on a thread of its own, while the command line is read, what nearly all commands need soon
 * and what takes a JVM longest to make: the way into the kernel, the powers of {@code BigDecimal}
 * that a JSON parser wants, the schema of a mirror's manifest, and the providers of hashes.
 * Together 50 milliseconds.
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
    String command = arguments.length == 0 ? "" : arguments[0];
    Thread.ofPlatform().daemon().name("kiln-head-start").start(() -> make(command));
  }

  private static void make(String command) {
    if (!WITHOUT_KERNEL.contains(command)) {
      SystemCalls.prepare();
    }
    Json.tree(NOTHING, "nothing");
    if (command.equals("sync")) {
      ManifestFile.prepareMirror();
    }
    Digest.ofBytes(NOTHING);
  }
}
