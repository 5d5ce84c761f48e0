package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.RegistryCache;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cache.StepCache.Mode;
import build.kiln.runtime.cache.StepCache.Target;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.sandbox.SandboxConfig;
import build.kiln.runtime.sandbox.SandboxException;
import build.kiln.runtime.sandbox.Sandboxes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A build with a warm cache gives the same image as one without, whatever changed since the cache
 * was filled, and wherever the cache is. Both builds are of one Dockerfile and one context.
 */
class CachePropertyTest {
  private static final Path BUSYBOX = Path.of("/bin/busybox");
  private static final List<String> FILES = List.of("a", "b", "d/a", "d/b", "d/e/c");
  private static final String EPOCH = "SOURCE_DATE_EPOCH";

  @TempDir Path folder;
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void copies(int seed) throws Exception {
    var random = new Random(seed);
    var dockerfile = new RandomDockerfile(random, bench.debianLike(), false);
    int hits = 0;
    fillContext(random);
    for (int round = 0; round < 6; round++) {
      String text = dockerfile.text();
      Map<String, String> args = Map.of("V", dockerfile.argument, EPOCH, "1700000000");
      Optional<Built> warm = warm(text, args, random);
      hits += hits();
      Optional<Built> cold = cold(text, args);
      assertThat(warm.map(Built::digest))
          .as("seed %d, round %d:\n%s", seed, round, text)
          .isEqualTo(cold.map(Built::digest));
      if (random.nextInt(3) > 0) {
        dockerfile.change();
      } else {
        changeContext(random);
      }
    }
    assertThat(hits).isPositive();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void copiesAndCommands(int seed) throws Exception {
    Assumptions.assumeTrue(
        Files.isExecutable(BUSYBOX), "a static /bin/busybox is needed (package busybox-static)");
    try {
      var sandbox =
          Sandboxes.choose(
              Isolation.Auto,
              SandboxConfig.of(Files.createDirectories(folder.resolve("sandbox")), true));
      bench.sandboxes(() -> sandbox);
    } catch (SandboxException e) {
      Assumptions.abort(String.valueOf(e.getMessage()));
    }
    var random = new Random(seed);
    var dockerfile = new RandomDockerfile(random, busybox(), true);
    int hits = 0;
    fillContext(random);
    for (int round = 0; round < 4; round++) {
      String text = dockerfile.text();
      Map<String, String> args = Map.of("V", dockerfile.argument, EPOCH, "1700000000");
      Optional<Built> warm = warm(text, args, random);
      hits += hits();
      List<Object> image = warm.isPresent() ? image(warm.get()) : List.of();
      Optional<Built> cold = cold(text, args);
      assertThat(image)
          .as("seed %d, round %d:\n%s", seed, round, text)
          .isEqualTo(cold.isPresent() ? image(cold.get()) : List.of());
      if (random.nextBoolean()) {
        dockerfile.change();
      } else {
        changeContext(random);
      }
    }
    assertThat(hits).isPositive();
  }

  /** What commands write is dated by them, so digests differ. */
  private static List<Object> image(Built built) throws IOException {
    return List.of(built.files(), built.container(), built.config().history());
  }

  private String busybox() throws IOException {
    return bench.base(
        "busybox:1",
        sink -> {
          sink.add(EntryMeta.directory("bin", 0755, 0, 0, 1));
          long size = Files.size(BUSYBOX);
          sink.add(
              EntryMeta.file("bin/busybox", 0755, 0, 0, 1, size), Files.newInputStream(BUSYBOX));
          for (String name : List.of("sh", "cat", "find", "sort", "xargs")) {
            sink.add(EntryMeta.symlink("bin/" + name, "busybox", 0, 0, 1));
          }
        },
        ContainerConfig.empty());
  }

  /**
   * With the store as it is, or with an empty one and a registry's cache.
   *
   * @return empty if the Dockerfile does not work, such as one that copies a folder over a file
   */
  private Optional<Built> warm(String dockerfile, Map<String, String> args, Random random)
      throws Exception {
    if (random.nextInt(3) > 0) {
      bench.freshStore();
    }
    bench.request(r -> BuildBench.with(r, args, true, false));
    var registry =
        new RegistryCache(
            bench.client,
            bench.registry.reference("shop/cache"),
            random.nextInt(4) == 0 ? "another" : "this",
            Platform.host(),
            Clock.systemUTC());
    Mode mode = random.nextInt(4) == 0 ? Mode.min : Mode.max;
    var cache =
        new StepCache(bench.store(), "", List.of(registry), List.of(new Target(registry, mode)));
    Built built;
    try {
      built = bench.build(dockerfile, cache);
    } catch (BuildException e) {
      assertThat(e.reason()).isEqualTo(FailureReason.StepFailed);
      return Optional.empty();
    }
    assertThat(bench.events)
        .noneMatch(
            event ->
                event instanceof BuildEvent.Warning(String text, var problem) && problem == null);
    new ImagePusher(bench.store(), bench.client)
        .completeLocally(built.result(), new BuildProgress(event -> {}));
    return Optional.of(built);
  }

  private Optional<Built> cold(String dockerfile, Map<String, String> args) throws Exception {
    bench.request(r -> BuildBench.with(r, args, false, false));
    try {
      return Optional.of(bench.build(dockerfile));
    } catch (BuildException e) {
      assertThat(e.reason()).isEqualTo(FailureReason.StepFailed);
      return Optional.empty();
    }
  }

  private int hits() {
    return (int)
        bench.events.stream()
            .filter(e -> e instanceof BuildEvent.Finished f && f.cache() == CacheResult.Hit)
            .count();
  }

  private void fillContext(Random random) throws IOException {
    for (String file : FILES) {
      bench.file(file, "" + random.nextInt(3));
    }
  }

  private void changeContext(Random random) throws IOException {
    Path file = bench.contextFolder().resolve(FILES.get(random.nextInt(FILES.size())));
    switch (random.nextInt(4)) {
      case 0 -> assertThat(file.toFile().setExecutable(!Files.isExecutable(file), false)).isTrue();
      case 1 -> bench.file("d/new" + random.nextInt(3), "n");
      case 2 -> Files.deleteIfExists(bench.contextFolder().resolve("d/new" + random.nextInt(3)));
      default -> Files.writeString(file, "" + random.nextInt(3));
    }
    // Times are no part of a key, by design.
    try (Stream<Path> all = Files.walk(bench.contextFolder())) {
      for (Path path : all.toList()) {
        Files.setLastModifiedTime(path, FileTime.from(BuildBench.FILE_TIME));
      }
    }
  }

  /** Two stages and a target that takes from them, of instructions that always work. */
  private static final class RandomDockerfile {
    private final Random random;
    private final String base;
    private final boolean commands;
    private final List<List<Line>> stages = new ArrayList<>();
    String argument = "1";

    RandomDockerfile(Random random, String base, boolean commands) {
      this.random = random;
      this.base = base;
      this.commands = commands;
      for (int stage = 0; stage < 3; stage++) {
        var lines = new ArrayList<Line>();
        int count = 1 + random.nextInt(5);
        for (int i = 0; i < count; i++) {
          lines.add(new Line(kind(), random.nextInt(100)));
        }
        stages.add(lines);
      }
    }

    /** What an instruction does, and how exactly. */
    private record Line(int kind, int detail) {
      String text(int stage) {
        String destination = "/" + List.of("x", "x/y", "z").get(detail % 3);
        int choice = detail / 3 % 3;
        return switch (kind) {
          case 0 -> "COPY " + List.of("d", "d/e", "a").get(choice) + " " + destination + "/d";
          case 1 -> "COPY a b " + destination + "/" + List.of("", "m/", "n/").get(choice);
          case 2 -> "WORKDIR " + destination;
          case 3 -> "ENV E=" + choice + " F=$V";
          case 4 -> "COPY --chmod=70" + choice + " a rel$E-$V";
          case 5 -> "COPY --chown=" + choice + ":5 b " + destination + "/owned";
          case 6 ->
              stage == 0
                  ? "COPY --link a " + destination + "/linked" + choice
                  : "COPY --from=s%d /keep/%s %s/f$V"
                      .formatted(
                          detail % stage, List.of("d", "d/e", "d/a").get(choice), destination);
          case 7 -> "LABEL l=" + choice;
          case 8 -> "RUN find /keep /x /z -type f 2>/dev/null | sort | xargs cat > /log$V; echo $E";
          default -> "RUN echo %d $E $F $V $PWD >> /more".formatted(choice);
        };
      }
    }

    private int kind() {
      return random.nextInt(commands ? 10 : 8);
    }

    void change() {
      List<Line> stage = stages.get(random.nextInt(stages.size()));
      int at = random.nextInt(stage.size());
      int detail = random.nextInt(100);
      switch (random.nextInt(6)) {
        case 0 -> argument = "" + random.nextInt(3);
        case 1 -> stage.add(at, new Line(kind(), detail));
        case 2 -> {
          if (stage.size() > 1) {
            stage.remove(at);
          }
        }
        default -> stage.set(at, new Line(stage.get(at).kind(), detail));
      }
    }

    String text() {
      var text = new StringBuilder();
      for (int i = 0; i < stages.size(); i++) {
        boolean onScratch = !commands && i == 1;
        text.append("FROM %s AS s%d%nARG V%n".formatted(onScratch ? "scratch" : base, i));
        text.append("COPY d /keep/d\n");
        for (Line line : stages.get(i)) {
          text.append(line.text(i)).append('\n');
        }
      }
      return text.append("COPY --from=s0 / /s0\nCOPY --from=s1 /keep /s1\n").toString();
    }
  }
}
