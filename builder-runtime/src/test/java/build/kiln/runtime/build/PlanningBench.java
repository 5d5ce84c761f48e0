package build.kiln.runtime.build;

import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.EmptyContext;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.dockerfile.Unsupported;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How long it takes to read and plan a Dockerfile of 2,000 lines with 50 stages, in a warm JVM. Not
 * a test: {@code builder-runtime/benchmarks/README.md} says how it is run. Ends with 1 if the
 * median is over the limit.
 */
final class PlanningBench {
  private static final int STAGES = 50;
  private static final int LINES = 2_000;
  private static final int WARM_UP = 200;
  private static final int ROUNDS = 201;
  private static final double LIMIT_MILLIS = 200;

  private PlanningBench() {}

  public static void main(String[] args) throws Exception {
    String text = dockerfile();
    Path folder = Files.createTempDirectory("kiln-bench");
    try (var store = LocalStore.open(folder.resolve("store"));
        var context = new EmptyContext()) {
      double cold = millis(text, context, store);
      for (int i = 0; i < WARM_UP; i++) {
        millis(text, context, store);
      }
      double[] times = new double[ROUNDS];
      for (int i = 0; i < ROUNDS; i++) {
        times[i] = millis(text, context, store);
      }
      Arrays.sort(times);
      double median = times[ROUNDS / 2];
      System.out.printf(
          "%d lines, %d stages: median %.1f ms, 95th percentile %.1f ms, first %.0f ms; the limit is %.0f ms%n",
          text.lines().count(), STAGES, median, times[ROUNDS * 95 / 100], cold, LIMIT_MILLIS);
      if (median > LIMIT_MILLIS) {
        System.exit(1);
      }
    }
  }

  private static double millis(String text, BuildContext context, LocalStore store)
      throws BuildException, IOException {
    long start = System.nanoTime();
    BuildGraph graph = plan(SourceFile.of("Dockerfile", text), context, store);
    if (graph.stages().size() != STAGES
        || graph.stages().stream().anyMatch(stage -> !stage.needed())) {
      throw new IllegalStateException("not all stages are planned");
    }
    return (System.nanoTime() - start) / 1e6;
  }

  /** Reads, plans, checks and draws; images are not looked up. */
  static BuildGraph plan(SourceFile dockerfile, BuildContext context, LocalStore store)
      throws BuildException, IOException {
    var progress = new BuildProgress(event -> {});
    Planning planning = Planning.of(request(dockerfile, context), progress);
    Unsupported.check(planning.graph().reachable(planning.target()));
    planning.warnOfUnusedArguments(progress);
    StagePlans plans = StagePlans.of(planning, name -> Optional.empty());
    planning
        .checks()
        .run(
            planning.graph(), planning.globals(), IgnoreFile.ofPatterns(List.of()), plans.images());
    return new GraphMaker(store, planning, plans, Map.of(), false).make();
  }

  private static BuildRequest request(SourceFile dockerfile, BuildContext context) {
    return new BuildRequest(
        dockerfile,
        null,
        context,
        null,
        Map.of("VERSION", "2"),
        Map.of(),
        Platform.host(),
        true,
        false,
        Compression.GZIP,
        Map.of(),
        Map.of());
  }

  /** Every stage takes from the one before and one further back, so that all are needed. */
  private static String dockerfile() {
    var text = new StringBuilder("# syntax=docker/dockerfile:1\nARG VERSION=1\n");
    int lines = 2;
    for (int stage = 0; stage < STAGES; stage++) {
      int until = LINES * (stage + 1) / STAGES;
      text.append(
          stage % 5 == 4
              ? "FROM stage%d AS stage%d\n".formatted(stage - 1, stage)
              : "FROM debian:trixie-%d-${VERSION} AS stage%d\n".formatted(stage % 7, stage));
      lines++;
      if (stage > 0) {
        text.append("COPY --from=stage%d /out /in/%d\n".formatted(stage - 1, stage));
        text.append(
            "RUN --mount=type=bind,from=stage%d,target=/other,source=/out make\n"
                .formatted(stage / 2));
        lines += 2;
      }
      for (int i = 0; lines < until; i++) {
        String line =
            switch (i % 8) {
              case 0 -> "ARG VERSION\nENV PATH=/opt/%d/bin:$PATH A%d=\"${VERSION:-none}-%d\"\n";
              case 1 -> "COPY --chown=1000:1000 --link src/%d/*.txt conf/$VERSION/%d /srv/%d/\n";
              case 2 ->
                  "RUN --mount=type=cache,target=/var/cache/%d apt-get update && \\\n"
                      + "    apt-get install -y package-%d && \\\n"
                      + "    # a comment in between\n"
                      + "    rm -rf /tmp/%d\n";
              case 3 -> "LABEL a.%d=b b.%d=\"c d\" c.%d='e'\n";
              case 4 -> "RUN <<EOF\nset -e\necho %d > /a\necho %d > /b\necho %d > /c\nEOF\n";
              case 5 -> "WORKDIR /srv/%d/${VERSION#v}/%d/%d\n";
              case 6 -> "EXPOSE 80%d 90%d/udp\nUSER %d\n";
              default ->
                  "HEALTHCHECK --interval=5s --retries=%d CMD [\"curl\", \"-f\", \"%d/%d\"]\n";
            };
        String filled = line.formatted(i % 10, i % 10, i % 10);
        int more = (int) filled.lines().count();
        if (lines + more > until) {
          filled = "# nothing\n";
          more = 1;
        }
        text.append(filled);
        lines += more;
      }
    }
    return text.toString();
  }
}
