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

/**
 * Kiln beside other tools that copy images from registry to registry: the same work, in one run, by
 * turns. Not a test: {@code builder-runtime/benchmarks/mirrors} starts it. The table is on standard
 * output, all else on standard error.
 */
final class MirrorsBench {
  private final MirrorOptions options;
  private final MirrorLab lab;
  private final List<CopyTool> tools = new ArrayList<>();

  private MirrorsBench(MirrorOptions options) throws IOException {
    this.options = options;
    this.lab = new MirrorLab(options.scratch(), options.link());
  }

  /**
   * @param args the scratch folder, Kiln's distribution, the folder of crane and regsync or nothing
   *     for PATH, and the user's own words
   */
  public static void main(String[] args) throws Exception {
    MirrorOptions options;
    try {
      options = MirrorOptions.parse(Path.of(args[0]), Arrays.asList(args).subList(3, args.length));
    } catch (Options.UsageException e) {
      System.err.println(e.getMessage() + "; see builder-runtime/benchmarks/README.md");
      System.exit(2);
      return;
    }
    System.exit(new MirrorsBench(options).run(Path.of(args[1]), args[2]));
  }

  private int run(Path distribution, String peers) throws IOException, InterruptedException {
    var kiln = KilnContender.trained(distribution, options.scratch());
    System.out.println(Machine.describe(options.scratch()) + "\n");
    System.out.println(LocalRegistry.version());
    options
        .link()
        .ifPresent(
            link ->
                System.out.printf(
                    "- link: %d ms there and back, %.1f %% of segments lost, made in user space%n",
                    link.roundTripMillis(), 100 * link.loss()));
    for (String name : options.tools()) {
      join(
          switch (name) {
            case "kiln" -> new KilnCopies(kiln);
            case "skopeo" -> new SkopeoCopies();
            case "crane" -> new CraneCopies(program(peers, name));
            case "regsync" -> new RegsyncCopies(program(peers, name));
            default -> throw new IllegalArgumentException("no tool is called " + name);
          });
    }
    if (tools.size() < 2) {
      System.err.println("A figure without a peer's says nothing: at least two tools are needed.");
      return 1;
    }
    List<CopyWork> all =
        CopyWork.all(options.large(), options.link().isPresent()).stream()
            .filter(work -> options.only().matcher(work.id()).matches())
            .toList();
    if (all.isEmpty()) {
      System.err.println("No workload has an id that matches " + options.only() + ".");
      return 2;
    }
    System.out.print("\n" + CopyTable.HEAD);
    boolean good = true;
    CopyWork last = null;
    for (CopyWork work : all) {
      if (last == null || last.images() != work.images()) {
        lab.prepare(work.images());
      }
      good &= measure(work);
      last = work;
    }
    return good ? 0 : 1;
  }

  private static String program(String peers, String name) {
    Path there = Path.of(peers, name);
    return !peers.isEmpty() && Files.isExecutable(there) ? there.toString() : name;
  }

  private void join(CopyTool tool) throws InterruptedException {
    try {
      System.out.println("- " + tool.name() + ": " + tool.version());
      tools.add(tool);
    } catch (IOException e) {
      System.out.println("- " + tool.name() + " is left out: " + e.getMessage());
    }
  }

  /** Whether all tools did it, in every round. */
  private boolean measure(CopyWork work) throws InterruptedException {
    Map<String, List<CopyFigures>> figures = new LinkedHashMap<>();
    var order = new ArrayList<>(tools);
    tools.forEach(tool -> figures.put(tool.name(), new ArrayList<>()));
    boolean complete = true;
    for (int round = 1; round <= options.rounds(); round++) {
      for (CopyTool tool : List.copyOf(order)) {
        try {
          CopyFigures run = lab.run(work, tool);
          figures.computeIfAbsent(tool.name(), name -> new ArrayList<>()).add(run);
          System.err.printf("%s, round %d, %s: %s%n", work.id(), round, tool.name(), run);
        } catch (IOException e) {
          System.err.printf("%s: %s fails: %s%n", work.id(), tool.name(), e.getMessage());
          figures.remove(tool.name());
          order.remove(tool);
          complete = false;
        }
      }
      Collections.rotate(order, 1);
    }
    Map<String, CopyFigures> medians = new LinkedHashMap<>();
    figures.forEach((name, runs) -> medians.put(name, CopyFigures.median(runs)));
    if (medians.keySet().stream().allMatch(KilnContender.NAME::equals)) {
      System.err.printf("%s: left out, there is nothing to compare%n", work.id());
      return false;
    }
    System.out.print(CopyTable.rows(work.title(), medians));
    System.out.flush();
    return complete;
  }
}
