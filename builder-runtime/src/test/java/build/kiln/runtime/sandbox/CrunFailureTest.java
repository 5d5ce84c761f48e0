package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrunFailureTest {
  @ParameterizedTest
  @CsvSource({
    "executable file `x` not found in $PATH: No such file or directory, 127",
    "open executable: Permission denied, 126",
    "open executable: Operation not permitted, 126",
    "the path `/etc/passwd` exists but it is not executable: Operation not permitted, 126",
    "the path `/etc` is not a regular file: Operation not permitted, 126",
    "chdir: No such file or directory, 127",
    "mount `overlay` to ``: Invalid argument, 0",
    "cgroups in hybrid mode not supported, 0",
    "mount `proc` to `proc`: Operation not permitted, 0",
    "write to `/proc/self/setgroups`: No such file or directory, 0",
    "'', 0",
  })
  void blamesTheCommandOnly(String log, int code) {
    assertThat(CrunFailure.ofStart(log).orElse(0)).isEqualTo(code);
  }

  @Test
  void knowsAProgramThatTheKernelRefuses() {
    assertThat(CrunFailure.ofExec("exec container process `/x`: Exec format error\n"))
        .hasValue(126);
    assertThat(
            CrunFailure.ofExec(
                "exec container process (missing dynamic library?) `/x`: No such file or directory"))
        .hasValue(127);
    assertThat(CrunFailure.ofExec("exec container process `/x`\nand more")).isEmpty();
    assertThat(CrunFailure.ofExec("")).isEmpty();
  }
}
