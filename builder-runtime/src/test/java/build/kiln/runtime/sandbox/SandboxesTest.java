package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SandboxesTest {
  private TestRoots roots;

  @BeforeEach
  void make() throws IOException {
    roots = new TestRoots();
  }

  @AfterEach
  void remove() throws IOException {
    roots.close();
  }

  @Test
  void noRunRefusesEveryRun() throws Exception {
    Sandbox sandbox = Sandboxes.choose(Isolation.NoRun, SandboxConfig.of(roots.scratch(), true));
    assertThat(sandbox.tier()).isEqualTo(Isolation.NoRun);
    RootSpec root = new RootSpec.Directory(roots.directory());
    assertThatThrownBy(() -> Ran.argv(sandbox, root, "true"))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("stronger isolation")
        .extracting(e -> ((SandboxException) e).code())
        .isEqualTo(SandboxException.Code.UNSUPPORTED);
  }

  @Test
  void aMissingProgramIsNamed() {
    assertThatThrownBy(() -> Sandboxes.choose(Isolation.Namespaces, without("crun")))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("no program crun")
        .hasMessageContaining("install crun")
        .extracting(e -> ((SandboxException) e).code())
        .isEqualTo(SandboxException.Code.UNAVAILABLE);
  }

  @Test
  void autoFallsBackOnlyAsFarAsAllowed() throws Exception {
    SandboxConfig config = without("crun");
    Sandbox none = Sandboxes.choose(Isolation.Auto, config);
    assertThat(none.tier()).isEqualTo(Isolation.NoRun);
    assertThat(none.description()).contains("crun").contains("chroot: not allowed");
    assumeTrue(isRoot(), "chroot needs root");
    Sandbox chroot = Sandboxes.choose(Isolation.Auto, allowingChroot(config));
    assertThat(chroot.tier()).isEqualTo(Isolation.Chroot);
    assertThat(chroot.description()).contains("crun").doesNotContain("\n");
  }

  @Test
  void chrootIsAMinimum() throws Exception {
    assumeTrue(isRoot(), "chroot needs root");
    assertThat(Sandboxes.choose(Isolation.Chroot, without("crun")).tier())
        .isEqualTo(Isolation.Chroot);
    assertThatThrownBy(() -> Sandboxes.choose(Isolation.Chroot, without("crun", "setpriv")))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("setpriv");
  }

  /** A crun that fails at what a machine forbids. */
  @Test
  void theReasonOfEachRecipeIsInTheMessage() throws Exception {
    SandboxConfig config = without("crun");
    Path crun = config.searchPath().getFirst().resolve("crun");
    SandboxContract.executable(
        crun, "#!/bin/sh\necho 'mount proc: too revealing' >\"$4\"; exit 1\n");
    assertThatThrownBy(() -> Sandboxes.choose(Isolation.Namespaces, config))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("too revealing");
  }

  @Test
  void whatAKilledBuilderLeftIsRemoved() throws Exception {
    Path old = Files.createDirectories(roots.scratch().resolve("step-1/state/deep"));
    Files.writeString(old.resolve("file"), "x");
    Path other = Files.createDirectory(roots.scratch().resolve("not-a-step"));
    Sandboxes.choose(Isolation.Auto, SandboxConfig.of(roots.scratch(), false));
    assertThat(roots.scratch().resolve("step-1")).doesNotExist();
    assertThat(other).exists();
  }

  private static boolean isRoot() throws IOException {
    return OwnIds.read().root();
  }

  /** What the next process is told. */
  private static final class Kept implements Earlier {
    private String circumstances = "";

    @Override
    public Optional<String> found() {
      return Optional.of(circumstances).filter(text -> !text.isEmpty());
    }

    @Override
    public void keep(String found) {
      circumstances = found;
    }

    @Override
    public void forget() {
      circumstances = "";
    }
  }

  /** The programs of this machine, with a crun that counts, and that fails once told to. */
  private SandboxConfig withCountingCrun() throws IOException {
    SandboxConfig config = without("crun");
    Path crun = config.searchPath().getFirst().resolve("crun");
    Path real =
        new Programs(SandboxConfig.of(roots.scratch(), false).searchPath())
            .find("crun")
            .orElseThrow();
    Files.writeString(
        crun,
        "#!/bin/sh\necho x >>%1$s/calls\n[ ! -e %1$s/broken ] || exit 1\nexec %2$s \"$@\"\n"
            .formatted(roots.scratch().toRealPath(), real));
    Files.setPosixFilePermissions(crun, PosixFilePermissions.fromString("rwxr-xr-x"));
    return config;
  }

  private long calls() throws IOException {
    Path calls = roots.scratch().resolve("calls");
    return Files.exists(calls) ? Files.size(calls) / 2 : 0;
  }

  @Test
  void whatWorkedIsNotTriedAgainWhileNothingChanges() throws Exception {
    try (TestSandbox works = TestSandbox.choose(Isolation.Namespaces)) {
      assumeTrue(
          works.sandbox().description().endsWith("own /proc; overlay"),
          works.sandbox().description());
    }
    SandboxConfig config = withCountingCrun();
    var kept = new Kept();
    Sandbox first = Sandboxes.choose(Isolation.Namespaces, config, kept);
    assertThat(kept.circumstances).isNotEmpty();
    long tried = calls();
    assertThat(tried).isPositive();
    Sandbox second = Sandboxes.choose(Isolation.Auto, config, kept);
    assertThat(calls()).isEqualTo(tried);
    assertThat(second.description()).isEqualTo(first.description());
    // The root is empty, and what is asked for is not found there.
    assertThat(Ran.argv(second, new RootSpec.Directory(roots.directory()), "true").code())
        .isEqualTo(127);
    // Which may be the sandbox's fault, so it was tried now.
    assertThat(calls()).isGreaterThan(tried + 1);

    Path crun = config.searchPath().getFirst().resolve("crun");
    Files.setLastModifiedTime(crun, FileTime.fromMillis(1));
    long before = calls();
    Sandboxes.choose(Isolation.Namespaces, config, kept);
    assertThat(calls()).isGreaterThan(before);
  }

  @Test
  void whatDoesNotWorkAfterAllIsForgotten() throws Exception {
    try (TestSandbox works = TestSandbox.choose(Isolation.Namespaces)) {
      assumeTrue(
          works.sandbox().description().endsWith("own /proc; overlay"),
          works.sandbox().description());
    }
    SandboxConfig config = withCountingCrun();
    var kept = new Kept();
    Sandboxes.choose(Isolation.Namespaces, config, kept);
    Sandbox trusted = Sandboxes.choose(Isolation.Namespaces, config, kept);
    Files.createFile(roots.scratch().resolve("broken"));
    RootSpec root = new RootSpec.Directory(roots.directory());
    assertThatThrownBy(() -> Ran.argv(trusted, root, "true"))
        .isInstanceOf(SandboxException.class)
        .extracting(e -> ((SandboxException) e).code())
        .isEqualTo(SandboxException.Code.START_FAILED);
    assertThat(kept.circumstances).isEmpty();

    Files.delete(roots.scratch().resolve("broken"));
    assertThat(Ran.argv(trusted, root, "true").code()).isEqualTo(127);
    assertThat(kept.circumstances).isNotEmpty();
  }

  private static SandboxConfig allowingChroot(SandboxConfig config) {
    return new SandboxConfig(
        config.scratch(),
        config.searchPath(),
        config.resolvConf(),
        config.hosts(),
        true,
        config.hostName());
  }

  /** A search path that has all but these programs. */
  private SandboxConfig without(String... missing) throws IOException {
    SandboxConfig config = SandboxConfig.of(roots.scratch(), false);
    Path bin = Files.createTempDirectory(roots.directory(), "bin");
    for (String program :
        List.of(
            "sh", "setsid", "unshare", "mount", "umount", "crun", "chroot", "setpriv", "env",
            "head", "chown", "chmod", "true")) {
      if (!List.of(missing).contains(program)) {
        Path target = new Programs(config.searchPath()).find(program).orElse(null);
        assumeTrue(target != null, "this machine has no program " + program);
        Files.createSymbolicLink(bin.resolve(program), target);
      }
    }
    return new SandboxConfig(
        config.scratch(), List.of(bin), config.resolvConf(), config.hosts(), false, "kiln");
  }
}
