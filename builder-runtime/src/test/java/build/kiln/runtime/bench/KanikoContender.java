package build.kiln.runtime.bench;

import build.kiln.runtime.bench.Workload.Start;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Kaniko, which takes its own root directory for the image's: each build has a new one. It keeps
 * nothing between builds, so it pulls and unpacks its base each time.
 */
final class KanikoContender implements Contender {
  private final String program;

  private KanikoContender(String program) {
    this.program = program;
  }

  /**
   * @param folder where {@code executor} is; empty for PATH
   */
  static KanikoContender of(String folder) {
    return new KanikoContender((folder.isEmpty() ? "" : folder + "/") + "executor");
  }

  @Override
  public String name() {
    return "kaniko";
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return Commands.run(versionCommand()).strip();
  }

  @Override
  public List<String> versionCommand() {
    return List.of(program, "version");
  }

  /** Of what an earlier build has left there is nothing. */
  @Override
  public boolean takesPart(Start start) {
    return start == Start.EMPTY || start == Start.BASE;
  }

  @Override
  public Ready ready(Site site) throws IOException, InterruptedException {
    Path root = Files.createTempDirectory(Files.createDirectories(site.state()), "root");
    Path own = Files.createDirectories(root.resolve("kaniko"));
    Files.copy(file(), own.resolve("executor"), StandardCopyOption.COPY_ATTRIBUTES);
    Path context = Files.createDirectories(root.resolve("workspace"));
    List<Path> mounts = new ArrayList<>();
    for (String kernels : List.of("proc", "dev", "sys")) {
      Path place = Files.createDirectories(root.resolve(kernels));
      Commands.run(List.of("mount", "--rbind", "/" + kernels, place.toString()));
      mounts.add(place);
    }
    mounts.add(context);
    return new Ready() {
      @Override
      public List<String> command(BuildJob job) throws IOException, InterruptedException {
        Commands.run(List.of("mount", "--bind", job.context().toString(), context.toString()));
        return build(root, job);
      }

      @Override
      public void close() throws IOException, InterruptedException {
        Collections.reverse(mounts);
        for (Path place : mounts) {
          Commands.run(List.of("umount", "-R", place.toString()));
        }
      }
    };
  }

  private Path file() throws IOException {
    return program.contains("/")
        ? Path.of(program)
        : Commands.find(program).orElseThrow(() -> new IOException("no " + program + " on PATH"));
  }

  private static List<String> build(Path root, BuildJob job) {
    var command = new ArrayList<>(List.of("chroot", root.toString(), "/kaniko/executor"));
    // Without it kaniko wants to see that it is in a container.
    command.addAll(List.of("--force", "--context", "dir:///workspace"));
    command.addAll(List.of("--insecure", "--insecure-pull"));
    command.addAll(job.push() ? List.of("--destination", job.image()) : List.of("--no-push"));
    return command;
  }
}
