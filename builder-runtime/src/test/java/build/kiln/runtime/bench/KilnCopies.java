package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code kiln copy} for one image, {@code kiln sync} for more, with an AOT cache. */
final class KilnCopies implements CopyTool {
  private final KilnContender kiln;

  KilnCopies(KilnContender kiln) {
    this.kiln = kiln;
  }

  @Override
  public String name() {
    return KilnContender.NAME;
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return kiln.version();
  }

  @Override
  public List<String> prepare(CopyJob job, Path folder) throws IOException {
    if (job.tag().isPresent()) {
      return List.of(
          kiln.program(),
          "copy",
          "--store",
          folder.resolve("store").toString(),
          "docker://" + job.fromImage(),
          "docker://" + job.toImage());
    }
    Path manifest = folder.resolve("mirror.yaml");
    Files.writeString(
        manifest,
        """
        apiVersion: kiln.build/v1alpha1
        kind: ImageMirror
        metadata: {name: benchmark}
        spec:
          source: {registry: "%s", repositories: [%s]}
          destination: {prefix: "%s"}
          tags: {all: true}
        """
            .formatted(job.from(), String.join(", ", job.repositories()), job.to()));
    return List.of(kiln.program(), "sync", "-f", manifest.toString());
  }
}
