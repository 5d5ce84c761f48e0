package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Buildah with overlay and a cache of layers; building and pushing are two commands of it. */
final class BuildahContender implements Contender {
  private static final String PROGRAM = "buildah";

  /** Where it remembers which registry has which blob; no option says another place. */
  private static final Path BLOB_INFO = Path.of("/var/lib/containers");

  private final String isolation;

  /**
   * @param isolation chroot or oci
   */
  BuildahContender(String isolation) {
    this.isolation = isolation;
  }

  @Override
  public String name() {
    return "Buildah";
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return Commands.run(versionCommand()).strip() + ", isolation " + isolation;
  }

  @Override
  public List<String> versionCommand() {
    return List.of(PROGRAM, "--version");
  }

  @Override
  public Ready ready(Site site) throws IOException, InterruptedException {
    Path containers = Files.createDirectories(site.state().resolve("containers"));
    Files.createDirectories(BLOB_INFO);
    // Only this namespace sees it.
    Commands.run(List.of("mount", "--bind", containers.toString(), BLOB_INFO.toString()));
    return new Ready() {
      @Override
      public List<String> command(BuildJob job) {
        return build(site, job);
      }

      @Override
      public void close() throws IOException, InterruptedException {
        Commands.run(List.of("umount", BLOB_INFO.toString()));
      }
    };
  }

  private List<String> build(Site site, BuildJob job) {
    var general = new ArrayList<>(List.of(PROGRAM, "--storage-driver", "overlay"));
    general.addAll(List.of("--root", site.state().resolve("storage").toString()));
    general.addAll(List.of("--runroot", site.state().resolve("run").toString()));
    var build = new ArrayList<>(general);
    build.addAll(List.of("build", "--layers", "--isolation", isolation, "--network", "host"));
    build.addAll(List.of("--tls-verify=false", "-t", job.image()));
    job.cacheTo().ifPresent(to -> build.addAll(List.of("--cache-to", repository(to))));
    job.cacheFrom().ifPresent(from -> build.addAll(List.of("--cache-from", repository(from))));
    build.add(job.context().toString());
    if (!job.push()) {
      return build;
    }
    var push = new ArrayList<>(general);
    push.addAll(List.of("push", "--tls-verify=false", job.image()));
    return List.of("sh", "-c", quoted(build) + " && exec " + quoted(push));
  }

  /** Its caches are repositories, and it makes the tags. */
  private static String repository(String reference) {
    return reference.substring(0, reference.lastIndexOf(':'));
  }

  private static String quoted(List<String> words) {
    return "'" + String.join("' '", words) + "'";
  }
}
