package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code regsync once}, with as much at once as Kiln has. */
final class RegsyncCopies implements CopyTool {
  private final String program;

  RegsyncCopies(String program) {
    this.program = program;
  }

  @Override
  public String name() {
    return "regsync";
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return Commands.run(List.of(program, "version"))
        .lines()
        .filter(line -> line.startsWith("VCSTag"))
        .map(line -> "regsync " + line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElseThrow(() -> new IOException(program + " tells no version"));
  }

  @Override
  public List<String> prepare(CopyJob job, Path folder) throws IOException {
    var config = new StringBuilder("version: 1\ncreds:\n");
    List.of(job.from(), job.toRegistry()).stream()
        .distinct()
        .forEach(
            host ->
                config.append(
                    "  - {registry: \"%s\", tls: disabled, reqConcurrent: 8}\n".formatted(host)));
    config.append("defaults: {parallel: 8}\nsync:\n");
    String line = "  - {source: \"%s\", target: \"%s\", type: %s}\n";
    if (job.tag().isPresent()) {
      config.append(line.formatted(job.fromImage(), job.toImage(), "image"));
    } else {
      for (String name : job.repositories()) {
        config.append(line.formatted(job.from() + "/" + name, job.to() + "/" + name, "repository"));
      }
    }
    Path file = folder.resolve("regsync.yaml");
    Files.writeString(file, config);
    return List.of(program, "once", "--verbosity", "warn", "--config", file.toString());
  }
}
