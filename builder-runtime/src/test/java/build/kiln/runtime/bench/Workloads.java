package build.kiln.runtime.bench;

import build.kiln.runtime.bench.Workload.Start;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;

/** What is built. */
final class Workloads {
  private static final int FILES = 20_000;
  private static final long FILES_BYTES = 209_000_000;
  private static final int FILES_NOISE_PERCENT = 20;
  private static final long BIG = 500_000_000;
  private static final long LARGE = 4_000_000_000L;
  private static final int STEPS = 12;

  private final String base;

  private Workloads(String base) {
    this.base = base;
  }

  /**
   * @param base the base image's name in the registry
   * @param large with the file of 4 GB
   */
  static List<Workload> all(String base, boolean large) {
    var make = new Workloads(base);
    var all = new ArrayList<Workload>();
    all.add(Workload.of("files", "20,000 files, 209 MB, COPY, no RUN", Start.BASE, make::files));
    all.add(
        Workload.changed(
            "files-changed", "the same, one file changed", make::files, Workloads::changeOfFiles));
    all.add(Workload.of("big", "one file of 500 MB", Start.BASE, make.big(BIG)));
    if (large) {
      all.add(Workload.of("large", "one file of 4 GB", Start.BASE, make.big(LARGE)));
    }
    all.add(
        Workload.changed(
            "big-changed",
            "500 MB, another small file changed",
            make.big(BIG),
            Workloads::changeOfBig));
    all.add(Workload.of("steps", "12 RUN steps", Start.BASE, make::steps));
    all.add(
        Workload.changed(
            "steps-changed",
            "the same, one COPY in the middle changed",
            make::steps,
            Workloads::changeOfSteps));
    all.add(
        Workload.of(
            "steps-unpulled",
            "12 RUN steps, base neither pulled nor unpacked",
            Start.EMPTY,
            make::steps));
    all.add(Workload.of("stages", "multi-stage, 100 MB generated", Start.BASE, make::stages));
    all.add(
        Workload.changed(
            "stages-changed", "the same, source changed", make::stages, Workloads::changeOfStages));
    all.add(
        Workload.changed(
            "nothing", "12 RUN steps, nothing changed", make::steps, Workload.Content.NONE));
    all.add(
        Workload.of(
            "cache",
            "12 RUN steps, nothing changed, empty local store, registry cache",
            Start.CACHE,
            make::steps));
    all.add(
        Workload.of(
            "first-step", "process start to first step", Start.FIRST_STEP, make::firstStep));
    all.add(Workload.of("version", "--version", Start.VERSION, Workload.Content.NONE));
    return all;
  }

  private void dockerfile(Path context, String text) throws IOException {
    Bytes.write(context.resolve("Dockerfile"), text.replace("BASE", base), Bytes.OLD);
  }

  private void files(Path context) throws IOException {
    dockerfile(context, "FROM BASE\nCOPY tree /app\n");
    FileTree.write(context.resolve("tree"), new Bytes(2), FILES, FILES_BYTES, FILES_NOISE_PERCENT);
    Bytes.write(context.resolve("tree/group-07/package-007/version"), "1\n", Bytes.OLD);
  }

  private static void changeOfFiles(Path context) throws IOException {
    Bytes.write(context.resolve("tree/group-07/package-007/version"), "2\n", Bytes.NEW);
  }

  private Workload.Content big(long bytes) {
    return context -> {
      dockerfile(context, "FROM BASE\nCOPY data /data\nCOPY config /config\n");
      new Bytes(3).bigFile(context.resolve("data"), bytes);
      Bytes.write(context.resolve("config"), "1\n", Bytes.OLD);
    };
  }

  private static void changeOfBig(Path context) throws IOException {
    Bytes.write(context.resolve("config"), "2\n", Bytes.NEW);
  }

  private void steps(Path context) throws IOException {
    var text = new StringBuilder("FROM BASE\n");
    for (int i = 1; i <= STEPS; i++) {
      text.append("RUN mkdir -p /srv/%1$d && seq 1 %1$d000 > /srv/%1$d/list\n".formatted(i));
      if (i == STEPS / 2) {
        text.append("COPY config /srv/config\n");
      }
    }
    dockerfile(context, text.toString());
    Bytes.write(context.resolve("config"), "1\n", Bytes.OLD);
  }

  private static void changeOfSteps(Path context) throws IOException {
    Bytes.write(context.resolve("config"), "2\n", Bytes.NEW);
  }

  /** Files that a stage generates, and a source that another one translates. */
  private void stages(Path context) throws IOException {
    dockerfile(
        context,
        """
        FROM BASE AS data
        COPY data /src
        RUN mkdir /out && for i in $(seq 1 25); do \\
              { echo part $i; cat /src/noise; seq ${i}00000 ${i}99999 | head -c 2000000; } > /out/part-$i || exit 1; \\
            done
        FROM BASE AS build
        COPY program /src
        RUN mkdir /out && if command -v cc > /dev/null; then cc -O1 -o /out/program /src/main.c; \\
            else sha256sum /src/main.c > /out/program; fi
        FROM BASE
        COPY --from=data /out /opt/data
        COPY --from=build /out/program /opt/program
        """);
    Path noise = context.resolve("data/noise");
    Files.createDirectories(noise.getParent());
    try (var out = Files.newOutputStream(noise)) {
      new Bytes(4).noise(out, 2_000_000);
    }
    Files.setLastModifiedTime(noise, Bytes.OLD);
    source(context, 1, Bytes.OLD);
  }

  private static void changeOfStages(Path context) throws IOException {
    source(context, 2, Bytes.NEW);
  }

  private static void source(Path context, int version, FileTime time) throws IOException {
    String main = "int main(void) { return %d; }\n".formatted(version);
    Bytes.write(context.resolve("program/main.c"), main, time);
  }

  private void firstStep(Path context) throws IOException {
    dockerfile(context, "FROM BASE\nRUN echo first-step-$((40 + 2))\n");
  }
}
