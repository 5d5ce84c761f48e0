package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Kiln beside other builders: the same work, in one run, by turns, each time on a fresh disk. Not a
 * test: {@code builder-runtime/benchmarks/builders} starts it. The table is on standard output, all
 * else on standard error.
 */
final class BuildersBench {
  private final Options options;
  private final Lab lab;
  private final List<Contender> contenders = new ArrayList<>();

  private BuildersBench(Options options) throws IOException {
    this.options = options;
    this.lab = new Lab(options.scratch());
  }

  /**
   * @param args the scratch folder, Kiln's distribution, the folder of the peers' programs or
   *     nothing for PATH, and the user's own words
   */
  public static void main(String[] args) throws Exception {
    Options options;
    try {
      options = Options.parse(Path.of(args[0]), Arrays.asList(args).subList(3, args.length));
    } catch (Options.UsageException e) {
      System.err.println(e.getMessage() + "; see builder-runtime/benchmarks/README.md");
      System.exit(2);
      return;
    }
    // A daemon thread may still wait for output of a process that was ended.
    System.exit(new BuildersBench(options).run(Path.of(args[1]), args[2]));
  }

  private int run(Path distribution, String programs) throws IOException, InterruptedException {
    var kiln = KilnContender.trained(distribution, options.scratch());
    System.out.println(Machine.describe(options.scratch()) + "\n");
    System.out.println(LocalRegistry.version());
    for (String name : options.builders()) {
      join(
          switch (name) {
            case "kiln" -> kiln;
            case "buildkit" ->
                BuildKitContender.of(
                    programs, options.runtime().orElse(BuildKitContender.runtime()));
            case "kaniko" -> KanikoContender.of(programs);
            case "buildah" -> new BuildahContender(options.isolation());
            default -> throw new IllegalArgumentException("no builder is called " + name);
          });
    }
    if (contenders.size() < 2) {
      System.err.println(
          "A figure without a peer's says nothing: at least two builders are needed.");
      return 1;
    }
    List<Workload> workloads =
        Workloads.all(lab.base(), options.large()).stream()
            .filter(workload -> options.only().matcher(workload.id()).matches())
            .toList();
    if (workloads.isEmpty()) {
      System.err.println("No workload has an id that matches " + options.only() + ".");
      return 2;
    }
    lab.makeBase(kiln, options.base());
    System.out.print("\n" + Table.HEAD);
    boolean good = true;
    for (Workload workload : workloads) {
      good &= measure(workload);
    }
    return good ? 0 : 1;
  }

  private void join(Contender contender) throws InterruptedException {
    try {
      System.out.println("- " + contender.name() + ": " + contender.version());
      contenders.add(contender);
    } catch (IOException e) {
      System.out.println("- " + contender.name() + " is left out: " + e.getMessage());
    }
  }

  /** Whether all builders did it, with the same files. */
  private boolean measure(Workload workload) throws IOException, InterruptedException {
    Map<Contender, Path> prepared = new LinkedHashMap<>();
    List<Contender> taking =
        contenders.stream().filter(each -> each.takesPart(workload.start())).toList();
    for (Contender contender : taking) {
      try {
        prepared.put(contender, lab.prepare(workload, contender));
      } catch (IOException e) {
        System.err.printf("%s: %s fails: %s%n", workload.id(), contender.name(), e.getMessage());
      }
    }
    boolean complete = prepared.size() == taking.size();
    if (prepared.size() < 2) {
      System.err.printf("%s: left out, there is nothing to compare%n", workload.id());
    } else {
      complete &= measure(workload, prepared);
    }
    for (Path disk : prepared.values()) {
      Files.delete(disk);
    }
    return complete;
  }

  private boolean measure(Workload workload, Map<Contender, Path> prepared)
      throws IOException, InterruptedException {
    Map<String, List<Figures>> figures = new LinkedHashMap<>();
    Map<String, Map<String, String>> images = new LinkedHashMap<>();
    prepared.keySet().forEach(contender -> figures.put(contender.name(), new ArrayList<>()));
    var order = new ArrayList<>(prepared.keySet());
    for (int round = 0; round < options.rounds(); round++) {
      for (Contender contender : order) {
        Path disk = Objects.requireNonNull(prepared.get(contender));
        var run = lab.run(workload, contender, disk, round == 0);
        Objects.requireNonNull(figures.get(contender.name())).add(run.figures());
        System.err.printf(
            "%s, round %d, %s: %s%n", workload.id(), round + 1, contender.name(), run.figures());
        if (round == 0) {
          images.put(contender.name(), run.files());
        }
      }
      Collections.rotate(order, 1);
    }
    Map<String, Figures> medians = new LinkedHashMap<>();
    figures.forEach((name, runs) -> medians.put(name, Figures.median(runs)));
    System.out.print(Table.rows(workload, medians));
    System.out.flush();
    return alike(workload, images);
  }

  private static boolean alike(Workload workload, Map<String, Map<String, String>> images) {
    boolean alike = true;
    var first = images.entrySet().iterator().next();
    for (var image : images.entrySet()) {
      var differences = PushedImage.differences(first.getValue(), image.getValue());
      if (!differences.isEmpty()) {
        alike = false;
        System.err.printf(
            "%s: %s and %s pushed different files:%n  %s%n",
            workload.id(), first.getKey(), image.getKey(), String.join("\n  ", differences));
      }
    }
    return alike;
  }
}
