package build.kiln.runtime.sandbox;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NamespacesSandboxTest extends SandboxContract {
  private static @Nullable TestSandbox tested;

  @BeforeAll
  static void choose() throws Exception {
    tested = TestSandbox.choose(Isolation.Namespaces);
  }

  @AfterAll
  static void remove() throws Exception {
    if (tested != null) {
      tested.close();
    }
  }

  @Override
  Sandbox sandbox() {
    return requireNonNull(tested).sandbox();
  }

  @Override
  Path scratch() {
    return requireNonNull(tested).own().scratch();
  }

  @Override
  RootSpec root() throws Exception {
    return roots.overlay(roots.busybox());
  }

  @Test
  void saysHow() {
    assertThat(sandbox().description()).startsWith("namespaces: ").doesNotContain("\n");
    assertThat(sandbox().tier()).isEqualTo(Isolation.Namespaces);
    assertThat(sandbox().overlay()).isTrue();
  }

  @Test
  void blamesAProgramOfUnknownFormat() throws Exception {
    RootSpec root = root();
    executable(filesOf(root).resolve("bad-format"), "\0\1\2");
    Ran ran = Ran.argv(sandbox(), root, "/bad-format");
    assertThat(ran.code()).isEqualTo(126);
    assertThat(ran.out()).contains("/bad-format").doesNotContain("{");
  }

  @Test
  void mountsWhatItIsTold() throws Exception {
    Path files = Files.createDirectory(roots.directory().resolve("files"));
    Files.writeString(files.resolve("f"), "bound");
    byte[] large = new byte[300_000];
    new java.util.Random(1).nextBytes(large);
    Command command =
        withSecrets(
            "cat /tmp/b/f; echo x 2>/dev/null >/tmp/b/f; echo w >/tmp/w/made; stat -c '%a %u:%g %s'"
                + " /tmp/s /etc/one; echo >/etc/one; md5sum </tmp/s; mount | grep -c -E"
                + " 'on /tmp/(t|s) type tmpfs'",
            List.of(
                new StepMount.Bind("/tmp/b", files, true),
                new StepMount.Bind(
                    "/tmp/w", Files.createDirectory(files.resolve("w")).toAbsolutePath(), false),
                new StepMount.Tmpfs("/tmp/t", 1 << 20),
                new StepMount.Secret("/tmp/s", large, 0440, 7, 8),
                new StepMount.Secret("/etc/one", new byte[] {1}, 0400, 0, 0)));
    RootSpec root = root();
    Ran ran = Ran.command(sandbox(), root, command);
    String md5 =
        java.util.HexFormat.of()
            .formatHex(java.security.MessageDigest.getInstance("MD5").digest(large));
    assertThat(ran.out().lines().filter(line -> !line.contains("Read-only")))
        .as(ran.toString())
        .containsExactly("bound440 7:8 300000", "400 0:0 1", md5 + "  -", "2");
    assertThat(files.resolve("f")).hasContent("bound");
    assertThat(files.resolve("w/made")).hasContent("w\n");
  }

  @Test
  void secretFilesAreSeenByNobodyElse() throws Exception {
    Command command =
        withSecrets(
            "cat /tmp/s; exec sleep 9876",
            List.of(
                new StepMount.Secret(
                    "/tmp/s", "secret 5f2a".getBytes(StandardCharsets.UTF_8), 0400, 0, 0)));
    assertThat(seenWhile("sleep 9876", command)).doesNotContain("5f2a").contains("sleep");
  }

  @Test
  void offlineIsALoopbackDeviceOnly() throws Exception {
    Command offline =
        new Command(
            List.of(
                "/bin/sh",
                "-c",
                "ls /sys/class/net /proc/sys/net/ipv4/conf; ip addr show lo | grep 'inet '"),
            Ran.ENV,
            "/",
            0,
            0,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            true,
            null);
    Ran ran = Ran.command(sandbox(), root(), offline);
    assertThat(ran.out().lines().map(String::strip))
        .as(ran.toString())
        .containsExactly(
            "/proc/sys/net/ipv4/conf:",
            "all",
            "default",
            "lo",
            "",
            "/sys/class/net:",
            "inet 127.0.0.1/8 scope host lo");
  }

  @Test
  void hasDockersDevicesAndNoMore() throws Exception {
    Ran ran =
        Ran.sh(
            sandbox(),
            root(),
            """
            for d in null zero full random urandom tty; do stat -c "$d %t:%T %a" /dev/$d; done
            for l in fd stdin stdout stderr ptmx; do echo "$l $(readlink /dev/$l)"; done
            (echo x >/dev/full) 2>/dev/null || echo "full is full"
            mkfifo /dev/shm/p && stat -c "shm %a" /dev/shm && ls -d /dev/mqueue /dev/pts
            find /dev -type b -o -type c | grep -c -v /dev/pts/
            """);
    assertThat(ran.out().lines())
        .as(ran.toString())
        .containsExactly(
            "null 1:3 666",
            "zero 1:5 666",
            "full 1:7 666",
            "random 1:8 666",
            "urandom 1:9 666",
            "tty 5:0 666",
            "fd /proc/self/fd",
            "stdin /proc/self/fd/0",
            "stdout /proc/self/fd/1",
            "stderr /proc/self/fd/2",
            "ptmx pts/ptmx",
            "full is full",
            "shm 1777",
            "/dev/mqueue",
            "/dev/pts",
            "6");
  }

  @Test
  void hidesWhatIsTheMachines() throws Exception {
    Ran ran =
        Ran.sh(
            sandbox(),
            root(),
            """
            for p in /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats \
                /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /proc/interrupts \
                /sys/firmware /sys/fs/cgroup /sys/devices/virtual/powercap; do
              [ -d $p ] && find $p -mindepth 1 | head -n 1
              [ -f $p ] && head -c 1 $p
            done
            for p in /proc/sys/kernel /proc/sys/vm /proc/bus /proc/fs /proc/irq /sys /sys/kernel; do
              (echo x >$p/made) 2>/dev/null && echo "made $p"
            done
            for f in /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/sysrq-trigger; do
              (echo 1 >$f) 2>/dev/null && echo "wrote $f"
            done
            echo tried
            """);
    assertThat(ran.out()).as(ran.toString()).isEqualTo("tried");
  }

  @Test
  void runsOnADirectory() throws Exception {
    RootSpec root = new RootSpec.Directory(roots.busybox());
    Ran ran = Ran.sh(sandbox(), root, "echo a >/new; hostname; echo $$");
    assertThat(ran.out()).as(ran.toString()).isEqualTo("kiln\n1");
    assertThat(filesOf(root).resolve("new")).hasContent("a\n");
  }

  @Test
  void runsOnManyLowers() throws Exception {
    Path busybox = roots.busybox();
    Path[] lowers = new Path[300];
    for (int i = 0; i < 299; i++) {
      lowers[i] =
          java.nio.file.Files.createDirectory(
              roots.directory().resolve("a long name, with: odd characters " + i));
      java.nio.file.Files.createFile(lowers[i].resolve("f" + i));
    }
    lowers[299] = busybox;
    assertThat(Ran.sh(sandbox(), roots.overlay(lowers), "ls /f* | wc -l").out()).isEqualTo("299");
  }
}
