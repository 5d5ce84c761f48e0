package build.kiln.runtime.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Linker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChildProcessTest {
  private static ChildProcess sh(String script) throws IOException {
    return ChildProcess.start(List.of("/bin/sh", "-c", script));
  }

  private static String all(InputStream in) throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  private static String output(String script) throws IOException, InterruptedException {
    ChildProcess child = sh(script);
    String output = all(child.getInputStream());
    assertThat(all(child.getErrorStream())).isEmpty();
    assertThat(child.waitFor()).isZero();
    child.getOutputStream().close();
    child.getInputStream().close();
    child.getErrorStream().close();
    return output;
  }

  @ParameterizedTest
  @CsvSource({
    "exit 0, 0",
    "exit 7, 7",
    "exit 255, 255",
    "kill -KILL $$, 137",
    "kill -TERM $$, 143"
  })
  void tellsHowItEnded(String script, int code) throws Exception {
    ChildProcess child = sh(script);

    assertThat(child.waitFor(10, TimeUnit.SECONDS)).isTrue();

    assertThat(child.exitValue()).isEqualTo(code);
    assertThat(child.isAlive()).isFalse();
  }

  @Test
  void itsStreamsAreThree() throws Exception {
    ChildProcess child = sh("read -r line; echo \"got $line\"; echo wrong >&2");

    child.getOutputStream().write("täxt\n".getBytes(StandardCharsets.UTF_8));

    assertThat(all(child.getInputStream())).isEqualTo("got täxt");
    assertThat(all(child.getErrorStream())).isEqualTo("wrong");
    assertThat(child.waitFor()).isZero();
  }

  @Test
  void theEndOfItsInputReachesIt() throws Exception {
    ChildProcess child = sh("cat; echo over");

    child.getOutputStream().close();

    assertThat(all(child.getInputStream())).isEqualTo("over");
    assertThatThrownBy(() -> child.getOutputStream().write(1)).hasMessage("the pipe is closed");
  }

  @Test
  void writingToOneThatHasEndedFails() throws Exception {
    ChildProcess child = sh("exit 0");
    child.waitFor();

    assertThatThrownBy(() -> child.getOutputStream().write(new byte[10]))
        .hasMessageContaining("EPIPE");
  }

  @Test
  void hasNoFilesOfThisProcess(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("open"), "content");
    // Java opens files so that programs inherit them.
    try (var open = Files.newInputStream(file)) {
      assertThat(open.read()).isEqualTo('c');
      assertThat(output("ls /proc/self/fd | tr '\\n' ' '")).isEqualTo("0 1 2 3");
    }
  }

  @Test
  void leadsASessionOfItsOwnInTheRootWithNothingInItsEnvironment() throws Exception {
    assertThat(
            output(
                "read -r pid x y z group session rest </proc/$$/stat; [ $pid = $group ] && echo $((pid - session))"))
        .isEqualTo("0");
    assertThat(output("pwd")).isEqualTo("/");
    assertThat(output("tr '\\0' '\\n' </proc/$$/environ | wc -l")).isEqualTo("0");
  }

  @Test
  void blocksAndIgnoresNoSignal() throws Exception {
    assertThat(signals("Blk")).isZero();
    // Those above 31 are the C library's own.
    assertThat(signals("Ign") & 0x7fff_ffffL).isZero();
  }

  private static long signals(String kind) throws Exception {
    return Long.parseUnsignedLong(
        output(
            "while read -r name mask; do [ $name = Sig"
                + kind
                + ": ] && echo $mask; done </proc/$$/status; :"),
        16);
  }

  @Test
  void canBeKilled() throws Exception {
    ChildProcess child = sh("trap '' TERM; echo ready; while :; do sleep 1; done");
    assertThat(child.getInputStream().read()).isEqualTo('r');
    assertThat(child.waitFor(10, TimeUnit.MILLISECONDS)).isFalse();
    assertThat(child.isAlive()).isTrue();
    assertThatThrownBy(child::exitValue).isInstanceOf(IllegalThreadStateException.class);

    child.destroyForcibly();

    assertThat(child.waitFor()).isEqualTo(137);
    // Nobody is meant by its number any more.
    child.destroyForcibly();
  }

  @Test
  void oneOfWhichTheKernelDoesNotTellHasFailed() throws Exception {
    assertThat(ChildProcess.supported()).isTrue();
    var signal = new NativeFunction(Linker.nativeLinker().defaultLookup().findOrThrow("signal"));
    int sigchld = 17;
    int ignore = 1;
    signal.call(sigchld, ignore, 0, 0, 0, 0);
    try {
      assertThat(sh("exit 0").waitFor()).isEqualTo(255);
    } finally {
      signal.call(sigchld, 0, 0, 0, 0, 0);
    }
    assertThat(sh("exit 0").waitFor()).isZero();
  }

  @Test
  void oneThatCannotBeStartedIsAnErrorAndLeavesNothingOpen() throws Exception {
    long before = openFiles();

    assertThatThrownBy(() -> ChildProcess.start(List.of("/not/there")))
        .isInstanceOf(PosixException.class)
        .hasMessageContaining("/not/there")
        .hasMessageContaining("ENOENT");
    assertThatThrownBy(() -> ChildProcess.start(List.of("/etc/passwd")))
        .hasMessageContaining("EACCES");
    assertThatThrownBy(() -> ChildProcess.start(List.of("/bin/sh", "a\0b")))
        .hasMessageContaining("zero byte");

    assertThat(openFiles()).isEqualTo(before);
  }

  private static long openFiles() throws IOException {
    try (var files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }

  @Test
  void manyAtOnceEachHaveTheirOwn() throws Exception {
    List<Thread> threads = new ArrayList<>();
    var wrong = new ConcurrentLinkedQueue<String>();
    for (int i = 0; i < 20; i++) {
      String number = Integer.toString(i);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int j = 0; j < 10; j++) {
                        if (!output("echo " + number).equals(number)) {
                          wrong.add(number);
                        }
                      }
                    } catch (IOException | InterruptedException | AssertionError e) {
                      wrong.add(number + ": " + e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(wrong).isEmpty();
  }
}
