package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code skopeo copy} for one image, {@code skopeo sync} for more. */
final class SkopeoCopies implements CopyTool {
  private static final String PROGRAM = "skopeo";

  /** Where it remembers which registry has which blob; no option says another place. */
  private static final Path MEMORY = Path.of("/var/lib/containers/cache");

  private boolean mounted;

  @Override
  public String name() {
    return "skopeo";
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return Commands.run(List.of(PROGRAM, "--version")).strip();
  }

  @Override
  public List<String> prepare(CopyJob job, Path folder) throws IOException, InterruptedException {
    // Only this namespace sees it.
    Files.createDirectories(MEMORY);
    if (mounted) {
      Commands.run(List.of("umount", MEMORY.toString()));
    }
    Commands.run(List.of("mount", "-t", "tmpfs", "tmpfs", MEMORY.toString()));
    mounted = true;
    var command = new ArrayList<>(List.of(PROGRAM, "--insecure-policy"));
    if (job.tag().isPresent()) {
      command.addAll(List.of("copy", "--all", "--src-tls-verify=false"));
      command.addAll(List.of("--dest-tls-verify=false", "docker://" + job.fromImage()));
      command.add("docker://" + job.toImage());
      return command;
    }
    var list = new StringBuilder(job.from() + ":\n  tls-verify: false\n  images:\n");
    job.repositories().forEach(name -> list.append("    " + name + ": []\n"));
    Path file = folder.resolve("sync.yaml");
    Files.writeString(file, list);
    command.addAll(List.of("sync", "--all", "--src", "yaml", "--dest", "docker"));
    command.addAll(List.of("--dest-tls-verify=false", file.toString(), job.to()));
    return command;
  }
}
