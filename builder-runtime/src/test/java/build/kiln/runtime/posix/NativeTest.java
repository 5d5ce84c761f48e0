package build.kiln.runtime.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NativeTest {
  @BeforeEach
  void onLinux() {
    assumeTrue(Native.supported(), "system calls are for Linux on x86_64 and aarch64");
  }

  @Test
  void returnsResults() throws Exception {
    long size =
        Native.call(
            Syscall.READLINKAT,
            Native.AT_FDCWD,
            Scratch.get().first("/proc/self/exe"),
            Scratch.get().buffer().address(),
            Scratch.BUFFER);
    byte[] target = Scratch.get().buffer().asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
    assertThat(Names.decode(target)).endsWith("/bin/java");
  }

  @Test
  void returnsErrorNumbersNegated() throws Exception {
    long path = Scratch.get().first("/no/such/directory/here");
    long result = Native.call(Syscall.UNLINKAT, Native.AT_FDCWD, path, 0);
    assertThat(result).isEqualTo(-Errno.ENOENT.number());
    assertThat(Native.failedWith(result, Errno.ENOENT)).isTrue();
    assertThatThrownBy(() -> Native.check(result, Syscall.UNLINKAT, "/no/such"))
        .isInstanceOf(PosixException.class)
        .hasMessage("unlinkat /no/such: ENOENT (no such file or directory)")
        .extracting(e -> ((PosixException) e).errno())
        .isEqualTo(Errno.ENOENT);
  }

  @Test
  void namesThatNoCallTakesAreRefused() {
    assertThatThrownBy(() -> Scratch.get().first("a\0b")).hasMessageContaining("EINVAL");
    assertThatThrownBy(() -> Scratch.get().first("x".repeat(4096)))
        .hasMessageContaining("ENAMETOOLONG");
  }
}
