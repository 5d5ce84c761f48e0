package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.oci.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ForeignProgramsTest {
  private static final Path HANDLERS = Path.of("/proc/sys/fs/binfmt_misc");

  @TempDir Path folder;

  @Test
  void theMachinesOwnProgramsRun() throws Exception {
    assertThat(ForeignPrograms.run(Platform.host().architecture(), folder.resolve("s")))
        .contains(true);
    assertThat(folder.resolve("s")).isEmptyDirectory();
  }

  /** What emulators there are is seen only where their file system is mounted. */
  @Test
  void othersRunWhereTheKernelHasAnEmulator() throws Exception {
    assumeTrue(Files.exists(HANDLERS.resolve("status")), "binfmt_misc is not mounted");
    for (String architecture : List.of("riscv64", "ppc64le", "s390x")) {
      assertThat(ForeignPrograms.run(architecture, folder))
          .as(architecture)
          .contains(isRegistered(architecture));
    }
  }

  private static boolean isRegistered(String architecture) throws IOException {
    Path handler = HANDLERS.resolve("qemu-" + architecture);
    return Platform.host().architecture().equals(architecture)
        || Files.isReadable(handler) && Files.readString(handler).startsWith("enabled");
  }

  @Test
  void whatIsNotKnownCannotBeTold() throws Exception {
    assertThat(ForeignPrograms.run("pdp11", folder)).isEmpty();
  }
}
