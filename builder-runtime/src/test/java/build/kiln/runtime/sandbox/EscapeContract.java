package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.rootfs.RootSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a step tries in order to get out. A process with a secret in its environment stands for the
 * builder, so that it may be killed if the sandbox fails; a file stands for its secrets.
 */
@Timeout(120)
abstract class EscapeContract {
  private static final String SECRET = "hunter2-of-the-builder";

  protected TestRoots roots;
  protected Process builder;
  protected Path secret;

  abstract Sandbox sandbox();

  /** A root with Debian. */
  abstract RootSpec root() throws Exception;

  @BeforeEach
  void make() throws Exception {
    roots = new TestRoots();
    secret = Files.writeString(roots.directory().resolve("secret"), SECRET);
    ProcessBuilder sleep = new ProcessBuilder("sleep", "300");
    sleep.environment().put("TOKEN", SECRET);
    builder = sleep.start();
  }

  @AfterEach
  void builderLives() throws Exception {
    boolean alive = builder.isAlive();
    builder.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
        .doesNotContain(roots.directory().toString());
    roots.close();
    assertThat(alive).as("the builder lives").isTrue();
  }

  /** Runs as root, and checks that whatever it printed is not the secret. */
  protected Ran attack(String script) throws Exception {
    Ran ran =
        Ran.sh(
            sandbox(),
            root(),
            script
                .replace("@PID@", Long.toString(builder.pid()))
                .replace("@JVM@", Long.toString(ProcessHandle.current().pid()))
                .replace("@SECRET@", secret.toString()));
    assertThat(ran.out()).doesNotContain(SECRET);
    return ran;
  }

  @Test
  void doubleChroot() throws Exception {
    Ran ran =
        attack(
            """
            mkdir -p /x
            perl -e '
              opendir(my $d, "/"); chroot("/x") or print "no chroot: $!\\n";
              chdir($d); chdir("..") for 1..64; chroot(".");
              open(F, "<", "@SECRET@"); print <F>;
              open(P, "<", "/proc/@PID@/environ"); print <P>; print "tried\\n";'
            """);
    assertThat(ran.out()).endsWith("tried");
  }

  @Test
  void parentOfTheRootAndDescriptors() throws Exception {
    Ran ran =
        attack(
            """
            exec 2>/dev/null
            cat /..@SECRET@ /../../../../..@SECRET@ @SECRET@
            number=262; [ "$(uname -m)" = aarch64 ] && number=79
            perl -e 'for my $fd (0..255) { my $s = " " x 256;
              print "fd $fd\n" if syscall('$number', $fd, my $empty = "", $s, 0x1000) == 0 }'
            echo tried
            """);
    assertThat(ran.out()).isEqualTo("fd 0\nfd 1\nfd 2\ntried");
  }

  @Test
  void environmentsAndFilesOfOtherProcesses() throws Exception {
    Ran ran =
        attack(
            """
            cat /proc/1/environ /proc/[0-9]*/environ /proc/[0-9]*/root@SECRET@ 2>/dev/null
            cat /proc/@PID@/environ /proc/@JVM@/environ /proc/@JVM@/cmdline 2>/dev/null
            cat /proc/@PID@/cwd/etc/shadow /proc/self/cwd/..@SECRET@ 2>/dev/null
            ls /proc/@PID@/fd /proc/@JVM@/fd /proc/@JVM@/root 2>/dev/null
            echo tried
            """);
    assertThat(ran.out()).endsWith("tried").doesNotContain("java.class.path", "shadow");
  }

  @Test
  void mounts() throws Exception {
    Ran ran =
        attack(
            """
            exec 2>/dev/null
            mkdir -p /m
            mount -t proc proc /m && echo mounted proc
            mount -t tmpfs t /m && echo mounted tmpfs
            mount -t sysfs s /m && echo mounted sysfs
            mount --bind / /m && echo mounted bind
            mount -o remount,rw /sys && echo remounted sys
            umount -l /proc && echo unmounted proc
            umount -l /proc/sys && echo unmounted proc sys
            cat /m@SECRET@ /m/1/environ /m/@PID@/environ
            echo tried
            """);
    assertThat(ran.out()).isEqualTo("tried");
  }

  @Test
  void ownNamespacesDoNotLeadOut() throws Exception {
    Ran ran =
        attack(
            """
            mkdir -p /m /x
            unshare -Ur -m -p -f sh -c '
              mount -t proc proc /m; cat /m/@PID@/environ /m/@JVM@/environ;
              umount -l /proc/sys; umount -l /proc; umount -l /sys; umount -l /;
              for w in /proc/sys/kernel/hostname /proc/sysrq-trigger; do [ -w $w ] && echo h >$w; done
              mount --rbind / /x; cat /x@SECRET@ /x/..@SECRET@ @SECRET@
              kill -9 @PID@ @JVM@'
            nsenter -t @PID@ -m cat @SECRET@
            nsenter -t 1 -a cat @SECRET@
            echo tried
            """);
    assertThat(ran.out()).endsWith("tried");
  }

  @Test
  void devices() throws Exception {
    Ran ran =
        attack(
            """
            for n in 'm c 1 1' 'k c 1 2' 'p c 1 4' 'a b 254 0' 'b b 8 0' 'l b 7 0' 'f c 10 229'; do
              rm -f /tmp/node; set -- $n
              mknod /tmp/node $2 $3 $4 2>/dev/null && head -c 16 /tmp/node >/dev/null && echo read $n
              mknod /dev/node $2 $3 $4 2>/dev/null && head -c 16 /dev/node >/dev/null && echo read $n
              rm -f /dev/node
            done
            echo tried
            """);
    assertThat(ran.out()).isEqualTo("tried");
  }

  @Test
  void kernelSettings() throws Exception {
    String before = Files.readString(Path.of("/proc/sys/kernel/core_pattern"));
    Ran ran =
        attack(
            """
            exec 2>/dev/null
            for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sysrq-trigger \
                /proc/1/oom_score_adj /proc/@PID@/oom_score_adj /sys/kernel/uevent_helper \
                /sys/fs/cgroup/release_agent /sys/power/state; do
              [ -e $f ] && echo 0 >$f && echo wrote $f
            done
            find /sys -xdev -type f -name uevent | head -n 1 | while read f; do echo add >$f && echo wrote; done
            echo tried
            """);
    assertThat(ran.out().replace("wrote /proc/1/oom_score_adj\n", "")).isEqualTo("tried");
    assertThat(Files.readString(Path.of("/proc/sys/kernel/core_pattern"))).isEqualTo(before);
  }

  @Test
  void ptrace() throws Exception {
    // PTRACE_ATTACH 16, PTRACE_SEIZE 0x4206; process_vm_readv is checked by the same rule.
    Ran ran =
        attack(
            """
            number=101; [ "$(uname -m)" = aarch64 ] && number=117
            perl -e 'for my $pid (@PID@, @JVM@) { for my $how (16, 0x4206) {
              print "traced $pid\\n" if syscall('$number', $how, $pid, 0, 0) == 0 } } print "tried\\n"'
            """);
    assertThat(ran.out()).isEqualTo("tried");
  }

  /** Everything is tried on one process first: only if that is safe, on all. */
  @Test
  void signals() throws Exception {
    Ran ran =
        attack(
            """
            for s in 0 CONT TERM KILL; do kill -$s @PID@ 2>/dev/null && echo sent $s && exit 1; done
            perl -e '
              open(my $d, "<", "/proc/@PID@") or exit; # pidfd_send_signal takes /proc/<pid>
              exit 3 if syscall(424, fileno($d), 9, 0, 0) == 0' || exit 1
            kill -0 @JVM@ 2>/dev/null && exit 1
            echo tried
            """);
    assertThat(ran.out()).isEqualTo("tried");
    assertThat(builder.isAlive()).isTrue();
    attack("(setsid sleep 9875 &); kill -0 @PID@ || kill -KILL -1");
    assertThat(builder.isAlive()).isTrue();
    assertThat(SandboxContract.processes("sleep 9875")).isZero();
  }

  @Test
  void abstractSockets() throws Exception {
    String name = "kiln-test-" + ProcessHandle.current().pid();
    String listen =
        "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un(\"\\0"
            + name
            + "\")) or die; listen(S, 5); print \"up\\n\"; $| = 1; print \"\\n\"; sleep 60";
    Process listener = new ProcessBuilder("perl", "-e", listen).start();
    try {
      assertThat(listener.getInputStream().read()).isEqualTo('u');
      Ran ran =
          attack(
              "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S,"
                  + " pack_sockaddr_un(\"\\0"
                  + name
                  + "\")) ? \"in\" : \"out\"'");
      assertThat(ran.out()).isEqualTo(reachesAbstractSockets() ? "in" : "out");
    } finally {
      listener.destroyForcibly().waitFor();
    }
  }

  /** They are the network namespace's, which is the builder's; Landlock has a scope for them. */
  abstract boolean reachesAbstractSockets();

  // What must work nevertheless.

  @Test
  void whatBuildsDo() throws Exception {
    Ran ran =
        Ran.sh(
            sandbox(),
            root(),
            """
            set -e
            touch /f; chown 12345:54321 /f; [ "$(stat -c %u:%g /f)" = 12345:54321 ]
            chmod 4755 /f; [ "$(stat -c %a /f)" = 4755 ]
            ln /f /g; mkfifo /fifo; [ -p /fifo ]
            perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "/s", Listen => 1) or die'
            perl -MIO::Socket::INET -e 'IO::Socket::INET->new(LocalPort => 0, Listen => 1) or die $!'
            useradd -m someone; su someone -c 'id -un' | grep -qx someone
            mkdir -p /p/DEBIAN /p/opt
            printf 'Package: hello\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@y>\\nDescription: z\\n' \
                >/p/DEBIAN/control
            printf '#!/bin/sh\\necho configured >/opt/marker\\n' >/p/DEBIAN/postinst
            chmod 755 /p/DEBIAN/postinst; echo content >/p/opt/file
            dpkg-deb -b /p /hello.deb >/dev/null; dpkg -i /hello.deb >/dev/null
            [ "$(cat /opt/marker /opt/file)" = "$(printf 'configured\\ncontent')" ]
            echo all well
            """);
    assertThat(ran.out()).as(ran.toString()).endsWith("all well");
  }
}
