package build.kiln.runtime.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * BuildKit: a daemon of its own for each build, started before and told apart from its idle state,
 * and its command.
 */
final class BuildKitContender implements Contender {
  private static final int START_MILLIS = 30_000;

  private final String daemonProgram;
  private final String program;
  private final String runtime;

  private BuildKitContender(String daemonProgram, String program, String runtime) {
    this.daemonProgram = daemonProgram;
    this.program = program;
    this.runtime = runtime;
  }

  /**
   * @param folder where {@code buildkitd} and {@code buildctl} are; empty for PATH
   * @param runtime the OCI runtime for steps
   */
  static BuildKitContender of(String folder, String runtime) {
    String prefix = folder.isEmpty() ? "" : folder + "/";
    return new BuildKitContender(prefix + "buildkitd", prefix + "buildctl", runtime);
  }

  /** The faster crun, if it is one of 1.9 or later, which knows what BuildKit asks for. */
  static String runtime() throws InterruptedException {
    try {
      return Commands.run(List.of("crun", "run", "--help")).contains("--keep") ? "crun" : "runc";
    } catch (IOException e) {
      return "runc";
    }
  }

  @Override
  public String name() {
    return "BuildKit";
  }

  @Override
  public String version() throws IOException, InterruptedException {
    String said = Commands.run(List.of(daemonProgram, "--version")).strip();
    return (said.contains("+unknown") ? said + ", built of " + module() : said) + ", " + runtime;
  }

  /** One that was built without BuildKit's makefile knows its version as Go does. */
  private String module() throws IOException, InterruptedException {
    String file =
        daemonProgram.contains("/") ? daemonProgram : "$(command -v " + daemonProgram + ")";
    String line = "github.com/moby/buildkit[[:space:]]v[0-9.]*";
    return Commands.run(List.of("sh", "-c", "grep -aom1 '" + line + "' " + file))
        .strip()
        .replace('\t', ' ');
  }

  @Override
  public List<String> versionCommand() {
    return List.of(program, "--version");
  }

  @Override
  public Ready ready(Site site) throws IOException, InterruptedException {
    Path state = Files.createDirectories(site.state());
    Path config = state.resolve("buildkitd.toml");
    Files.writeString(
        config,
        """
        [worker.oci]
          enabled = true
          snapshotter = "overlayfs"
          binary = "%s"
          networkMode = "host"
          gc = false
        [worker.containerd]
          enabled = false
        [registry."127.0.0.1:%d"]
          http = true
        """
            .formatted(runtime, site.port()));
    String address = "unix://" + state.resolve("buildkitd.sock");
    File log = state.resolve("buildkitd.log").toFile();
    Process daemon =
        Commands.prepare(
                List.of(
                    daemonProgram,
                    "--config",
                    config.toString(),
                    "--root",
                    state.resolve("buildkit").toString(),
                    "--addr",
                    address))
            .redirectErrorStream(true)
            .redirectOutput(log)
            .start();
    var ready = new Running(daemon, address);
    try {
      ready.await();
    } catch (IOException e) {
      ready.close();
      throw new IOException(Files.readString(log.toPath()), e);
    }
    return ready;
  }

  private final class Running implements Ready {
    private final Process daemon;
    private final String address;

    Running(Process daemon, String address) {
      this.daemon = daemon;
      this.address = address;
    }

    void await() throws IOException, InterruptedException {
      long deadline = System.nanoTime() + START_MILLIS * 1_000_000L;
      while (true) {
        try {
          Commands.run(List.of(program, "--addr", address, "debug", "workers"));
          return;
        } catch (IOException e) {
          if (System.nanoTime() > deadline || !daemon.isAlive()) {
            throw e;
          }
          Thread.sleep(50);
        }
      }
    }

    @Override
    public OptionalLong daemon() {
      return OptionalLong.of(daemon.pid());
    }

    @Override
    public List<String> command(BuildJob job) {
      var command = new ArrayList<>(List.of(program, "--addr", address, "build"));
      command.addAll(List.of("--progress", "plain", "--frontend", "dockerfile.v0"));
      command.addAll(List.of("--local", "context=" + job.context()));
      command.addAll(List.of("--local", "dockerfile=" + job.context()));
      command.addAll(
          List.of(
              "--output",
              "type=image,oci-mediatypes=true,compression=gzip,name="
                  + job.image()
                  + ",push="
                  + job.push()));
      job.cacheTo()
          .ifPresent(
              to -> command.addAll(List.of("--export-cache", "type=registry,mode=max,ref=" + to)));
      job.cacheFrom()
          .ifPresent(
              from -> command.addAll(List.of("--import-cache", "type=registry,ref=" + from)));
      return command;
    }

    @Override
    public void close() throws InterruptedException {
      Commands.end(daemon);
    }
  }
}
