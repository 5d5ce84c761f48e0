package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What every tier that runs something must do. */
@Timeout(60)
abstract class SandboxContract {
  protected TestRoots roots;

  abstract Sandbox sandbox();

  /** A root with busybox. */
  abstract RootSpec root() throws Exception;

  @BeforeEach
  void make() throws Exception {
    roots = new TestRoots();
  }

  /** Closing the roots fails if anything is still mounted in them. */
  @AfterEach
  void nothingIsLeft() throws Exception {
    String directory = roots.directory().toString();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(directory);
    try (var names = Files.list(scratch())) {
      assertThat(names).isEmpty();
    }
    roots.close();
  }

  abstract Path scratch();

  @Test
  void seesOnlyItsOwnEnvironment() throws Exception {
    Ran ran =
        Ran.command(
            sandbox(),
            root(),
            new Command(List.of("env"), List.of("PATH=/bin", "A=b c", "E="), "/", 0, 0, List.of()));
    // As docker does, crun adds HOME.
    assertThat(ran.out().lines().filter(line -> !line.equals("HOME=/root")))
        .as(ran.toString())
        .containsExactlyInAnyOrder("PATH=/bin", "A=b c", "E=");
  }

  @ParameterizedTest
  @CsvSource({
    "exit 0, 0",
    "exit 7, 7",
    "exit 255, 255",
    "sh -c 'kill -TERM $$'; exit $?, 143",
    "sh -c 'kill -SEGV $$'; exit $?, 139",
    "sh -c 'kill -KILL $$'; exit $?, 137",
    "exec nosuch, 127",
  })
  void endsWithTheCommandsExitCode(String script, int code) throws Exception {
    assertThat(Ran.sh(sandbox(), root(), script).code()).isEqualTo(code);
  }

  @ParameterizedTest
  @CsvSource({
    "nosuch, 127",
    "/bin/nosuch, 127",
    "/etc/passwd, 126",
    "/etc, 126",
    "/bad-interpreter, 127",
  })
  void blamesCommandsThatCannotRun(String program, int code) throws Exception {
    RootSpec root = root();
    Path files = filesOf(root);
    executable(files.resolve("bad-interpreter"), "#!/no/such/interpreter\n");
    Ran ran = Ran.argv(sandbox(), root, program);
    assertThat(ran.code()).as(ran.toString()).isEqualTo(code);
    assertThat(ran.out()).isNotEmpty();
  }

  static void executable(Path file, String content) throws IOException {
    Files.writeString(file, content);
    assertThat(file.toFile().setExecutable(true, false)).isTrue();
  }

  static Path filesOf(RootSpec root) {
    return switch (root) {
      case RootSpec.Overlay o -> o.lowers().getFirst();
      case RootSpec.Directory d -> d.path();
    };
  }

  @Test
  void runsAsAnyUserInAnyDirectory() throws Exception {
    Command command =
        new Command(
            List.of("/bin/sh", "-c", "id -u; id -g; id -G; pwd; umask"),
            Ran.ENV,
            "/tmp",
            1000,
            1001,
            List.of(1001, 20));
    Ran ran = Ran.command(sandbox(), root(), command);
    assertThat(ran.out().lines())
        .as(ran.toString())
        .containsExactly("1000", "1001", "1001 20", "/tmp", "0022");
  }

  @Test
  void keepsDockersCapabilitiesOfRootAndNoneOfOthers() throws Exception {
    RootSpec root = root();
    assertThat(Ran.sh(sandbox(), root, "touch /f && chown 1234:65534 /f && ls -ln /f").out())
        .contains("1234")
        .contains("65534");
    Ran other = Ran.shAs(sandbox(), root, 1000, "chown 1000 /f");
    assertThat(other.code()).isNotZero();
    assertThat(other.out()).contains("not permitted");
  }

  @Test
  void standardInputIsEmpty() throws Exception {
    assertThat(Ran.sh(sandbox(), root(), "cat | wc -c").out()).isEqualTo("0");
  }

  @Test
  void ignoresNoSignal() throws Exception {
    RootSpec root = root();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Ran.argv(sandbox(), root, "sleep", "9874");
                  } catch (SandboxException | InterruptedException expected) {
                    return;
                  }
                });
    await().until(() -> processes("sleep 9874") == 1);
    long pid = pids("sleep 9874").findFirst().orElseThrow();
    String ignored =
        Files.readString(Path.of("/proc/" + pid + "/status"))
            .lines()
            .filter(line -> line.startsWith("SigIgn:"))
            .findFirst()
            .orElseThrow();
    assertThat(Long.parseUnsignedLong(ignored.substring(7).strip(), 16) & 0x7FFF).isZero();
    thread.interrupt();
    thread.join();
  }

  @Test
  void streamsBothStreamsAsTheyCome() throws Exception {
    var pieces = new LinkedBlockingQueue<String>();
    RootSpec root = root();
    var result = new AtomicReference<Object>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    result.set(
                        sandbox()
                            .run(
                                root,
                                sh("echo one; sleep 1; echo two >&2; sleep 1; echo three"),
                                (bytes, length) ->
                                    pieces.add(
                                        new String(bytes, 0, length, StandardCharsets.UTF_8))));
                  } catch (SandboxException | InterruptedException e) {
                    result.set(e);
                  }
                });
    assertThat(take(pieces)).isEqualTo("one\n");
    assertThat(take(pieces)).isEqualTo("two\n");
    assertThat(thread.isAlive()).as("the step still runs").isTrue();
    assertThat(take(pieces)).isEqualTo("three\n");
    thread.join();
    assertThat(result).hasValue(0);
  }

  private static String take(LinkedBlockingQueue<String> pieces) throws InterruptedException {
    String piece = pieces.poll(20, TimeUnit.SECONDS);
    assertThat(piece).isNotNull();
    return piece;
  }

  /** A file that a step has made. */
  static Path liveFile(RootSpec root, String path) {
    return switch (root) {
      case RootSpec.Overlay o -> o.upper().resolve(path);
      case RootSpec.Directory d -> d.path().resolve(path);
    };
  }

  static Command sh(String script) {
    return new Command(List.of("/bin/sh", "-c", script), Ran.ENV, "/", 0, 0, List.of());
  }

  @Test
  void losesNothingOfHugeBinaryOutput() throws Exception {
    var count = new AtomicLong();
    var bad = new AtomicLong();
    // 0xFF 0x00 over and over is what no text decoding leaves alone.
    String script =
        "printf '\\377\\000\\377\\000\\377\\000\\377\\000' >/tmp/p; i=0; while [ $i -lt 15 ]; do cat"
            + " /tmp/p /tmp/p >/tmp/q; mv /tmp/q /tmp/p; i=$((i+1)); done; i=0; while [ $i -lt 400 ];"
            + " do cat /tmp/p; [ $((i%4)) = 0 ] && cat /tmp/p >&2; i=$((i+1)); done; true";
    int code =
        sandbox()
            .run(
                root(),
                sh(script),
                (bytes, length) -> {
                  long at = count.getAndAdd(length);
                  for (int i = 0; i < length; i++) {
                    if (bytes[i] != ((at + i) % 2 == 0 ? (byte) 0xFF : 0)) {
                      bad.incrementAndGet();
                    }
                  }
                });
    assertThat(code).isZero();
    assertThat(count).hasValue(500L << 18);
    assertThat(bad).hasValue(0);
  }

  @Test
  void anOutputThatFailsEndsTheStep() {
    assertThatThrownBy(
            () ->
                sandbox()
                    .run(
                        root(),
                        sh("echo x; sleep 100"),
                        (bytes, length) -> {
                          throw new IllegalStateException("disk full");
                        }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("disk full");
  }

  @Test
  void filesAreSeenAndLeaveNothing() throws Exception {
    RootSpec root = root();
    byte[] script = "#!/bin/sh\necho script of $(id -u) $0\n".getBytes(StandardCharsets.UTF_8);
    Command command =
        new Command(
            List.of("/bin/sh", "-c", "/dev/pipes/EOF && stat -c '%a %U' /dev/pipes/EOF"),
            Ran.ENV,
            "/",
            1000,
            1000,
            List.of(),
            List.of(
                new StepFile("/dev/pipes/EOF", script, 0755),
                new StepFile("/dev/pipes/deep/er", new byte[] {1}, 0644)));
    Ran ran = Ran.command(sandbox(), root, command);
    assertThat(ran.out()).as(ran.toString()).isEqualTo("script of 1000 /dev/pipes/EOF\n755 root");
    Ran later = Ran.sh(sandbox(), root, "ls /dev/pipes");
    assertThat(later.code()).isNotZero();
    assertThat(liveFile(root, "dev/pipes")).doesNotExist();
  }

  static Command withSecrets(String script, List<StepMount> mounts, SecretVariable... variables) {
    return new Command(
        List.of("/bin/sh", "-c", script),
        Ran.ENV,
        "/",
        0,
        0,
        List.of(),
        List.of(),
        mounts,
        List.of(variables),
        false,
        null);
  }

  @Test
  void secretVariablesAreTheStepsOwn() throws Exception {
    String value = "a 'quoted' \"secret\" 5f2a\nof $two lines\\";
    Command command =
        withSecrets(
            "echo up; printf %s \"$S\"; exec sleep 9875",
            List.of(), new SecretVariable("S", value.getBytes(StandardCharsets.UTF_8)));
    String shown = seenWhile("sleep 9875", command);
    assertThat(shown).doesNotContain("5f2a");
    assertThat(Ran.command(sandbox(), root(), command("printf %s \"$S\"", value)).out())
        .isEqualTo(value);
  }

  private static Command command(String script, String value) {
    return withSecrets(
        script, List.of(), new SecretVariable("S", value.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * What can be seen of a step while it runs: all processes' arguments, the environment of those
   * that are not the step's own, and in a sandbox with mounts all files of its own.
   *
   * @param last the command line that it comes to
   */
  String seenWhile(String last, Command command) throws Exception {
    RootSpec root = root();
    var failure = new AtomicReference<@Nullable Exception>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    sandbox().run(root, command, (bytes, length) -> {});
                  } catch (SandboxException | InterruptedException e) {
                    failure.set(e);
                  }
                });
    try {
      await()
          .until(
              () -> {
                assertThat(thread.isAlive()).as("%s", failure.get()).isTrue();
                return processes(last) == 1;
              });
      var seen = new StringBuilder();
      long step = pids(last).findFirst().orElseThrow();
      ProcessHandle.allProcesses()
          .mapToLong(ProcessHandle::pid)
          .forEach(
              pid -> {
                seen.append(read(Path.of("/proc/" + pid + "/cmdline")));
                if (pid != step) {
                  seen.append(read(Path.of("/proc/" + pid + "/environ")));
                }
              });
      if (sandbox().mounts()) {
        try (var files = Files.walk(scratch())) {
          files.filter(Files::isRegularFile).forEach(file -> seen.append(read(file)));
        }
      }
      return seen.toString();
    } finally {
      thread.interrupt();
      thread.join();
    }
  }

  /** Empty if it is gone, or not for us. */
  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      return "";
    }
  }

  @Test
  void hasHostsResolverAndDevices() throws Exception {
    RootSpec root = root();
    Files.delete(filesOf(root).resolve("etc/hosts"));
    Files.createSymbolicLink(filesOf(root).resolve("etc/hosts"), Path.of("/tmp/elsewhere"));
    Ran ran =
        Ran.sh(
            sandbox(),
            root,
            "grep -q kiln /etc/hosts && cat /etc/resolv.conf >/dev/null && echo x >/dev/null && head"
                + " -c 5 /dev/zero | wc -c && head -c 5 /dev/urandom | wc -c && echo y >/dev/shm/y");
    assertThat(ran.code()).as(ran.toString()).isZero();
    assertThat(Files.readString(Path.of("/etc/hosts"))).doesNotContain("127.0.0.1 kiln");
  }

  @Test
  void changesStayInTheRoot() throws Exception {
    RootSpec root = root();
    assertThat(Ran.sh(sandbox(), root, "echo a >/new && mkdir -p /d/e").code()).isZero();
    assertThat(liveFile(root, "new")).hasContent("a\n");
    assertThat(liveFile(root, "d/e")).isDirectory();
    assertThat(Ran.sh(sandbox(), root, "cat /new").out()).isEqualTo("a");
  }

  @Test
  void backgroundProcessesEndWithTheCommand() throws Exception {
    Ran ran = Ran.sh(sandbox(), root(), "(setsid sleep 9871 & setsid sleep 9871 &) ; echo done");
    assertThat(ran.out()).isEqualTo("done");
    assertThat(processes("sleep 9871")).isZero();
  }

  static long processes(String commandLine) {
    return pids(commandLine).count();
  }

  static LongStream pids(String commandLine) {
    return ProcessHandle.allProcesses()
        .mapToLong(ProcessHandle::pid)
        .filter(pid -> commandLine(pid).equals(commandLine));
  }

  /** Empty if there is no such process any more. */
  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline"), StandardCharsets.ISO_8859_1)
          .replace('\0', ' ')
          .strip();
    } catch (IOException ended) {
      return "";
    }
  }

  @Test
  void interruptKillsEverything() throws Exception {
    var started = new CountDownLatch(1);
    var result = new AtomicReference<Object>();
    RootSpec root = root();
    Thread thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    result.set(
                        sandbox()
                            .run(
                                root,
                                sh(
                                    "trap '' TERM INT HUP; setsid sleep 9872 & sh -c 'sleep 9872;"
                                        + " true' & echo up; while true; do sleep 9872; done"),
                                (bytes, length) -> started.countDown()));
                  } catch (SandboxException | InterruptedException e) {
                    result.set(e);
                  }
                });
    assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
    await().until(() -> processes("sleep 9872") == 3);
    thread.interrupt();
    assertThat(thread.join(Duration.ofSeconds(15))).isTrue();
    assertThat(result.get()).isInstanceOf(InterruptedException.class);
    assertThat(processes("sleep 9872")).isZero();
  }

  @Test
  void interruptAtAnyMomentLeavesNothing() throws Exception {
    RootSpec root = root();
    for (int delay = 0; delay < 24; delay++) {
      var result = new AtomicReference<Object>();
      Thread thread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      result.set(Ran.argv(sandbox(), root, "sleep", "9873"));
                    } catch (SandboxException | InterruptedException e) {
                      result.set(e);
                    }
                  });
      thread.join(Duration.ofMillis(delay * 2 + 1));
      thread.interrupt();
      assertThat(thread.join(Duration.ofSeconds(15))).as("delay %d", delay).isTrue();
      assertThat(result.get()).isInstanceOf(InterruptedException.class);
    }
    assertThat(processes("sleep 9873")).isZero();
  }

  @Test
  void independentStepsRunSideBySide() throws Exception {
    RootSpec first = root();
    RootSpec second = root();
    var codes = new AtomicReference<>("");
    Thread other =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    codes.set(Ran.sh(sandbox(), second, "sleep 0.3; echo b").out());
                  } catch (SandboxException | InterruptedException e) {
                    codes.set(e.toString());
                  }
                });
    assertThat(Ran.sh(sandbox(), first, "echo a").out()).isEqualTo("a");
    other.join();
    assertThat(codes).hasValue("b");
  }
}
