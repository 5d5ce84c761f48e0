package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.prune.LedgerEntry.State;
import build.kiln.runtime.prune.PrunePolicy.KeepSemver;
import build.kiln.runtime.prune.PrunePolicy.Limits;
import build.kiln.runtime.prune.PrunePolicy.Protection;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.PrunePolicy.TagRule;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How long it takes to plan for 200,000 tags in 2,000 repositories, of which nine in ten go: first
 * images, then, with a third of the tags on indexes of two platforms with attestations, 472,000
 * manifests. Not a test: {@code builder-runtime/benchmarks/README.md} says how it is run. Ends with
 * 1 if the very first plan, in a cold JVM, is over the limit.
 */
final class PruneBench {
  private static final int REPOSITORIES = 2_000;
  private static final int TAGS = 100;
  private static final int ROUNDS = 7;
  private static final double LIMIT_SECONDS = 2;
  private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");

  private PruneBench() {}

  public static void main(String[] args) {
    double flat = plan(0);
    plan(4);
    if (flat > LIMIT_SECONDS) {
      System.exit(1);
    }
  }

  /**
   * @param children of every third tag, whose image is an index then
   * @return the seconds of the first plan
   */
  private static double plan(int children) {
    List<RepositoryInventory> inventory = new ArrayList<>();
    Map<String, Map<Digest, LedgerEntry>> ledger = new HashMap<>();
    List<Use> uses = new ArrayList<>();
    for (int i = 0; i < REPOSITORIES; i++) {
      String name = "r.example/team" + i % 50 + "/app" + i;
      inventory.add(repository(name, i, children, ledger));
      uses.add(new Use(name, List.of("1.9.9", "pr-1"), null, "Deployment team/app" + i));
    }
    InUse inUse =
        new InUse(
            uses,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(new MirrorMapping("docker.io", "r.example/hub")));
    var planner = new Planner(policy(), inUse);
    var known = new Ledger(NOW.minusSeconds(60), ledger);
    double[] seconds = new double[ROUNDS];
    Plan plan = null;
    for (int i = 0; i < ROUNDS; i++) {
      long start = cpu();
      plan = planner.plan(inventory, known, NOW);
      plan.hash();
      seconds[i] = (cpu() - start) / 1e9;
    }
    double first = seconds[0];
    Arrays.sort(seconds);
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    System.out.printf(
        "%d tags, %d manifests, %d deletions: CPU time of the first %.2f s, median %.2f s; the limit is %.0f s; heap %d MB with inventory and plan, at most %d MB%n",
        REPOSITORIES * TAGS,
        plan == null ? 0 : plan.examined(),
        plan == null ? 0 : plan.deletions(),
        first,
        seconds[ROUNDS / 2],
        LIMIT_SECONDS,
        (runtime.totalMemory() - runtime.freeMemory()) >> 20,
        runtime.maxMemory() >> 20);
    return first;
  }

  /** This thread's CPU time, since others use the machine too; planning is on one thread. */
  private static long cpu() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static RepositoryInventory repository(
      String name, int number, int most, Map<String, Map<Digest, LedgerEntry>> ledger) {
    Map<String, Digest> tags = new HashMap<>();
    Map<Digest, ManifestFacts> manifests = new HashMap<>();
    Map<Digest, LedgerEntry> known = new HashMap<>();
    for (int i = 0; i < TAGS; i++) {
      String tag = i % 2 == 0 ? "1.%d.%d".formatted(i / 20, i % 20) : "pr-" + i;
      String seed = number + "/" + i;
      List<Digest> children = new ArrayList<>();
      for (int c = 0; c < (i % 3 == 0 ? most : 0); c++) {
        children.add(manifest(manifests, seed + "/" + c, List.of()));
      }
      Digest digest = manifest(manifests, seed, children);
      tags.put(tag, digest);
      Instant since = NOW.minus(Duration.ofDays(i));
      known.put(digest, new LedgerEntry(since, null, 20_000, Map.of(tag, since), State.THERE));
      children.forEach(
          child -> known.put(child, new LedgerEntry(since, null, 20_000, Map.of(), State.THERE)));
    }
    ledger.put(name, known);
    return new RepositoryInventory(name, tags, manifests, Set.of(), null);
  }

  private static Digest manifest(
      Map<Digest, ManifestFacts> manifests, String seed, List<Digest> children) {
    Digest digest = Digest.ofBytes(seed.getBytes(StandardCharsets.UTF_8));
    List<Blob> blobs =
        children.isEmpty()
            ? List.of(
                new Blob(digest, 5_000),
                new Blob(Cases.digest(seed.hashCode() % 5_000), 30_000_000))
            : List.of();
    manifests.put(
        digest,
        new ManifestFacts(
            digest,
            children.isEmpty() ? MediaTypes.OCI_MANIFEST : MediaTypes.OCI_INDEX,
            700,
            children,
            null,
            blobs,
            null,
            Map.of(),
            null));
    return digest;
  }

  private static PrunePolicy policy() {
    List<TagRule> rules =
        List.of(
            new TagRule(
                "registries[0].rules[0]",
                List.of(Globs.compile("pr-*")),
                null,
                List.of(),
                5,
                Optional.of(Duration.ofDays(30)),
                Optional.empty()),
            new TagRule(
                "registries[0].rules[1]",
                List.of(Globs.compile("1.*")),
                null,
                List.of(),
                0,
                Optional.empty(),
                Optional.of(new KeepSemver(0, 0, 1))));
    return new PrunePolicy(
        "bench",
        List.of(
            new RegistryRules(
                "registries[0]",
                List.of(Globs.compile("r.example/**")),
                List.of(),
                rules,
                Optional.of(Duration.ofDays(7)),
                List.of())),
        new Protection(true, List.of(), Map.of()),
        new Limits(0, 100),
        Duration.ofHours(24));
  }
}
