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
 * that a JSON parser wants, and the providers of hashes. Together 50 milliseconds. And for {@code
 * sync} the schema of its manifest.
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
      prepareMirror();
    }
    Digest.ofBytes(NOTHING);
  }

  private static void prepareMirror() {
    try {
      ManifestFile.prepareMirror();
    } catch (RuntimeException e) {
      // The command will meet it too, and say so.
    }
  }
}
