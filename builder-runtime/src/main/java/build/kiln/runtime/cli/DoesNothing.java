package build.kiln.runtime.cli;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.sandbox.ElfProgram;

/** A program that ends with 0, whatever its arguments: a shell for images that have none. */
final class DoesNothing {
  private DoesNothing() {}

  /** For this machine; empty, so that it cannot be run, for one that Kiln does not know. */
  static byte[] program() {
    return switch (Platform.host().architecture()) {
      // mov $60, %eax; xor %edi, %edi; syscall
      case "amd64" -> new ElfProgram(62, true, LITTLE_ENDIAN, 0, "b83c00000031ff0f05").file();
      // mov x8, #93; mov x0, #0; svc #0
      case "arm64" ->
          new ElfProgram(183, true, LITTLE_ENDIAN, 0, "a80b80d2000080d2010000d4").file();
      default -> new byte[0];
    };
  }
}
