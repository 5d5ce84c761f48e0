package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Whether programs of another architecture run here: the processor may know them (386 on amd64), or
 * the kernel has an emulator for them (binfmt_misc). It is tried with a program that does nothing
 * but end, since what the kernel has is not to be seen from inside a container.
 */
public final class ForeignPrograms {
  /** What the programs end with; a shell that takes one for a script ends with something else. */
  private static final int EXIT_CODE = 97;

  private static final int WAIT_SECONDS = 10;

  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

  /** By architecture, as GOARCH calls it: exit(97). */
  private static final Map<String, ElfProgram> PROGRAMS =
      Map.of(
          "amd64", new ElfProgram(62, true, LITTLE, 0, "bf61000000b83c0000000f05"),
          "386", new ElfProgram(3, false, LITTLE, 0, "bb61000000b801000000cd80"),
          "arm64", new ElfProgram(183, true, LITTLE, 0, "200c80d2a80b80d2010000d4"),
          "arm", new ElfProgram(40, false, LITTLE, 0x05000400, "6100a0e30170a0e3000000ef"),
          "riscv64", new ElfProgram(243, true, LITTLE, 0, "130510069308d00573000000"),
          "ppc64le", new ElfProgram(21, true, LITTLE, 2, "010000386100603802000044"),
          "s390x", new ElfProgram(22, true, ByteOrder.BIG_ENDIAN, 0, "a72900610a01"));

  private ForeignPrograms() {}

  /**
   * Tries it.
   *
   * @param architecture as GOARCH calls it
   * @param scratch a folder that files may be made in
   * @return empty if it cannot be told
   */
  public static Optional<Boolean> run(String architecture, Path scratch)
      throws IOException, InterruptedException {
    ElfProgram program = PROGRAMS.get(architecture);
    if (program == null) {
      return Optional.empty();
    }
    Files.createDirectories(scratch);
    Path file = Files.createTempFile(scratch, "p", "");
    try {
      Files.write(file, program.file());
      return file.toFile().setExecutable(true) ? run(file) : Optional.empty();
    } finally {
      Files.delete(file);
    }
  }

  private static Optional<Boolean> run(Path file) throws InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder(file.toAbsolutePath().toString())
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      // Not that it is of no known format, which a shell would be asked about: it may not be run.
      return Optional.empty();
    }
    if (!process.waitFor(WAIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return Optional.empty();
    }
    return Optional.of(process.exitValue() == EXIT_CODE);
  }
}
