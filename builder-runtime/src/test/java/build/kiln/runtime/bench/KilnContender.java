package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The distribution, started anew for each build. */
final class KilnContender implements Contender {
  static final String NAME = "Kiln";

  private final Path home;

  private KilnContender(Path home) {
    this.home = home;
  }

  /** A copy of a distribution, with its AOT cache trained as in the builder's image. */
  static KilnContender trained(Path distribution, Path folder)
      throws IOException, InterruptedException {
    if (!Files.isDirectory(distribution.resolve("lib"))) {
      throw new IOException(distribution + " is no distribution: ./mvnw package makes it");
    }
    Path home = folder.resolve("kiln");
    Commands.run(List.of("cp", "-r", distribution.toString(), home.toString()));
    Path train = Files.createDirectories(folder.resolve("train"));
    var contender = new KilnContender(home);
    Path cache = home.resolve("lib/kiln.aot");
    Files.deleteIfExists(cache);
    Commands.run(
        List.of(contender.program(), "train", train.toString()),
        Map.of("KILN_JAVA_OPTS", "-XX:AOTCacheOutput=" + cache, "HOME", train.toString()));
    if (!Files.exists(cache)) {
      throw new IOException("the training run made no AOT cache");
    }
    return contender;
  }

  String program() {
    return home.resolve("bin/kiln").toString();
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public String version() throws IOException, InterruptedException {
    return Commands.run(versionCommand()).strip();
  }

  @Override
  public List<String> versionCommand() {
    return List.of(program(), "--version");
  }

  /** Brings an image into this place's registry. */
  void mirror(String image, Site site) throws IOException, InterruptedException {
    String name = site.image(Base.NAME);
    for (var words :
        List.of(List.of("pull", image), List.of("tag", image, name), List.of("push", name))) {
      var command = new ArrayList<>(List.of(program()));
      command.addAll(words);
      command.addAll(List.of("--store", store(site)));
      Commands.run(command);
    }
  }

  private static String store(Site site) {
    return site.state().resolve("kiln").toString();
  }

  @Override
  public Ready ready(Site site) {
    return job -> build(site, job);
  }

  private List<String> build(Site site, BuildJob job) {
    var command = new ArrayList<>(List.of(program(), "build", "--store", store(site)));
    command.addAll(List.of("--progress", "plain", "--compression", "gzip", "-t", job.image()));
    if (job.push()) {
      command.add("--push");
    }
    job.cacheTo()
        .ifPresent(to -> command.addAll(List.of("--cache-to", "type=registry,mode=max,ref=" + to)));
    job.cacheFrom()
        .ifPresent(from -> command.addAll(List.of("--cache-from", "type=registry,ref=" + from)));
    command.add(job.context().toString());
    return command;
  }
}
