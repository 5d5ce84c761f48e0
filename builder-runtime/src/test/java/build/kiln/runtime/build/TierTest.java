package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.sandbox.SandboxConfig;
import build.kiln.runtime.sandbox.SandboxException;
import build.kiln.runtime.sandbox.Sandboxes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Builds with RUN steps in one tier, on a base with busybox. */
abstract class TierTest {
  private static final Path BUSYBOX = Path.of("/bin/busybox");

  @TempDir Path folder;
  protected final Isolation tier;
  protected BuildBench bench;
  protected String busybox;

  TierTest(Isolation tier) {
    this.tier = tier;
  }

  @BeforeEach
  void start() throws Exception {
    Assumptions.assumeTrue(
        Files.isExecutable(BUSYBOX), "a static /bin/busybox is needed (package busybox-static)");
    bench = new BuildBench(folder);
    try {
      var sandbox = Sandboxes.choose(tier, config());
      Assumptions.assumeTrue(sandbox.tier() == tier, sandbox.description());
      bench.sandboxes(() -> sandbox);
    } catch (SandboxException e) {
      Assumptions.abort(String.valueOf(e.getMessage()));
    }
    busybox = bench.base("busybox:1", busybox(), container());
    bench.file("a.txt", "a");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  /** Without crun there is no tier above chroot. */
  private SandboxConfig config() throws IOException {
    var config = SandboxConfig.of(Files.createDirectories(folder.resolve("sandbox")), true);
    if (tier == Isolation.Namespaces) {
      return config;
    }
    Path programs = Files.createDirectories(folder.resolve("programs"));
    for (String program : List.of("sh", "setsid", "chroot", "setpriv", "env", "true")) {
      for (Path directory : config.searchPath()) {
        if (Files.isExecutable(directory.resolve(program))
            && !Files.exists(programs.resolve(program))) {
          Files.copy(
              directory.resolve(program),
              programs.resolve(program),
              StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
    }
    return new SandboxConfig(
        config.scratch(),
        List.of(programs),
        config.resolvConf(),
        config.hosts(),
        true,
        config.hostName());
  }

  static ContainerConfig container() {
    return new ContainerConfig(
        null,
        null,
        List.of("PATH=/bin"),
        null,
        List.of("sh"),
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null);
  }

  static LayerSource busybox() {
    return sink -> {
      sink.add(EntryMeta.directory("bin", 0755, 0, 0, 1));
      sink.add(
          EntryMeta.file("bin/busybox", 0755, 0, 0, 1, Files.size(BUSYBOX)),
          Files.newInputStream(BUSYBOX));
      for (String applet :
          List.of(
              "sh", "cat", "echo", "id", "ls", "mkdir", "rm", "chmod", "chown", "env", "pwd", "ln",
              "mv", "sleep", "touch", "grep", "stat", "seq", "head")) {
        sink.add(EntryMeta.symlink("bin/" + applet, "busybox", 0, 0, 1));
      }
      sink.add(EntryMeta.directory("etc", 0755, 0, 0, 1));
      BuildBench.text(sink, "etc/group", "root:x:0:\nstaff:x:50:app\n");
      BuildBench.text(
          sink, "etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
      sink.add(EntryMeta.directory("tmp", 01777, 0, 0, 1));
    };
  }

  protected String output() {
    return bench.events.stream()
        .filter(BuildEvent.Output.class::isInstance)
        .map(e -> new String(((BuildEvent.Output) e).bytes(), StandardCharsets.UTF_8))
        .collect(Collectors.joining());
  }
}
