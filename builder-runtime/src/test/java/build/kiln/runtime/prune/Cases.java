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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Random registries, use and policies; the same seed makes the same ones. */
final class Cases {
  static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");

  /** All that a plan depends on. */
  record Case(
      PrunePolicy policy, InUse inUse, List<RepositoryInventory> inventory, Ledger ledger) {}

  private static final List<String> TAGS =
      List.of(
          "latest",
          "main",
          "pr-1",
          "pr-2",
          "pr-3",
          "1.0.0",
          "1.0.1",
          "1.1.0",
          "1.1.0-rc.1",
          "2.0.0",
          "2.0.1-alpine",
          "v2.0.0",
          "1.2",
          "keep-me",
          "nightly-20260101",
          "c0ffee");

  private final Random random;
  private final Map<String, Map<Digest, LedgerEntry>> ledger = new HashMap<>();

  Cases(long seed) {
    this.random = new Random(seed);
  }

  static Digest digest(long number) {
    return new Digest("sha256", "%064x".formatted(number * 0x9E3779B97F4A7C15L >>> 1));
  }

  Case next() {
    List<RepositoryInventory> inventory = new ArrayList<>();
    int repositories = 1 + random.nextInt(3);
    for (int i = 0; i < repositories; i++) {
      inventory.add(repository("r.example/app" + i));
    }
    return new Case(policy(), inUse(inventory), inventory, new Ledger(NOW, ledger));
  }

  private RepositoryInventory repository(String name) {
    int count = 1 + random.nextInt(14);
    Map<Digest, ManifestFacts> manifests = new LinkedHashMap<>();
    Set<Digest> missing = new HashSet<>();
    for (int i = 0; i < count; i++) {
      List<Digest> children = new ArrayList<>();
      int others = random.nextInt(5) < 2 ? random.nextInt(4) : 0;
      for (int c = 0; c < others; c++) {
        // Mostly what is before, so that there are few circles, but some.
        children.add(
            digest(random.nextInt(6) == 0 ? random.nextInt(count) : random.nextInt(i + 1)));
      }
      @Nullable Digest subject = null;
      if (random.nextInt(4) == 0) {
        subject = digest(random.nextInt(count + 2));
      }
      if (random.nextInt(12) == 0) {
        children.add(digest(count + random.nextInt(2)));
      }
      manifests.put(digest(i), facts(digest(i), children, subject));
    }
    missing.add(digest(count));
    missing.add(digest(count + 1));
    Map<String, Digest> tags = new LinkedHashMap<>();
    int tagged = random.nextInt(10);
    for (int i = 0; i < tagged; i++) {
      tags.put(TAGS.get(random.nextInt(TAGS.size())), digest(random.nextInt(count)));
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      String suffix = List.of("", ".sig", ".att", ".sbom").get(random.nextInt(4));
      tags.put(
          "sha256-" + digest(random.nextInt(count + 2)).hex() + suffix,
          digest(random.nextInt(count)));
    }
    ledger.put(name, known(count, tags));
    boolean broken = random.nextInt(20) == 0;
    return new RepositoryInventory(
        name, tags, manifests, missing, broken ? "an index could not be read" : null);
  }

  private ManifestFacts facts(Digest digest, List<Digest> children, @Nullable Digest subject) {
    List<Blob> blobs = new ArrayList<>();
    for (int i = random.nextInt(3); i >= 0; i--) {
      long blob = 1000 + random.nextInt(12);
      blobs.add(new Blob(digest(blob), blob));
    }
    boolean index = !children.isEmpty();
    Map<String, String> labels = random.nextInt(10) == 0 ? Map.of("keep", "yes") : Map.of();
    return new ManifestFacts(
        digest,
        index ? MediaTypes.OCI_INDEX : MediaTypes.OCI_MANIFEST,
        100,
        children,
        subject,
        index ? List.of() : blobs,
        index ? null : blobs.getFirst().digest(),
        Map.of(),
        random.nextInt(40) == 0 ? null : labels);
  }

  private Map<Digest, LedgerEntry> known(int count, Map<String, Digest> tags) {
    Map<Digest, LedgerEntry> known = new HashMap<>();
    long today = Duration.between(Instant.EPOCH, NOW).toDays();
    for (int i = 0; i < count + 1; i++) {
      if (random.nextInt(12) == 0) {
        continue;
      }
      Digest digest = digest(i);
      Map<String, Instant> its = new HashMap<>();
      tags.forEach(
          (tag, target) -> {
            if (target.equals(digest) && random.nextInt(8) != 0) {
              its.put(tag, past());
            }
          });
      State state = random.nextInt(15) == 0 && its.isEmpty() ? State.DOOMED : State.THERE;
      known.put(
          digest, new LedgerEntry(past(), random.nextBoolean() ? past() : null, today, its, state));
    }
    return known;
  }

  private Instant past() {
    if (random.nextInt(25) == 0) {
      return NOW.plus(Duration.ofMinutes(3));
    }
    return NOW.minus(
        Duration.ofHours(
            random.nextInt(10) == 0 ? random.nextInt(24) : 24 + 24L * random.nextInt(60)));
  }

  private InUse inUse(List<RepositoryInventory> inventory) {
    List<Use> uses = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      String repository = inventory.get(random.nextInt(inventory.size())).name();
      uses.add(
          switch (random.nextInt(6)) {
            case 0 -> new Use(repository, List.of(), digest(random.nextInt(10)), "Pod a/b");
            case 4 ->
                new Use(
                    repository.replace("r.example", "node1:30500"),
                    List.of(TAGS.get(random.nextInt(TAGS.size()))),
                    null,
                    "Deployment by a name that nobody told");
            case 5 ->
                new Use(
                    "node1:30500/elsewhere",
                    List.of(),
                    digest(random.nextInt(10)),
                    "Pod by a name that nobody told");
            case 1 -> Use.ofDigest(digest(1000 + random.nextInt(12)), "Pod by config");
            case 2 ->
                new Use(
                    repository.replace("r.example", "up.example"),
                    List.of(TAGS.get(random.nextInt(TAGS.size()))),
                    null,
                    "Pod through a mirror");
            default ->
                new Use(
                    repository,
                    List.of(TAGS.get(random.nextInt(TAGS.size()))),
                    null,
                    "Deployment x");
          });
    }
    List<InUse.Unparsable> unparsable =
        random.nextInt(20) == 0
            ? List.of(new InUse.Unparsable("R.example/APP1:a:b", "Pod typo"))
            : List.of();
    List<InUse.Busy> busy =
        random.nextInt(20) == 0
            ? List.of(new InUse.Busy("r.example/app0", "ImageBuild z"))
            : List.of();
    return new InUse(
        uses,
        unparsable,
        busy,
        List.of(),
        List.of(),
        List.of(new MirrorMapping("up.example", "r.example")));
  }

  private PrunePolicy policy() {
    List<TagRule> rules = new ArrayList<>();
    List<String> globs = List.of("*", "pr-*", "v*", "1.*", "nightly-*", "sha*");
    for (int i = random.nextInt(3); i >= 0; i--) {
      rules.add(
          new TagRule(
              "rule" + i,
              List.of(Globs.compile(globs.get(random.nextInt(globs.size())))),
              random.nextInt(5) == 0 ? Pattern.compile("c0.*") : null,
              random.nextInt(4) == 0 ? List.of(Globs.compile("latest")) : List.of(),
              random.nextInt(3),
              random.nextInt(3) == 0
                  ? Optional.of(Duration.ofDays(1 + random.nextInt(40)))
                  : Optional.empty(),
              random.nextInt(4) == 0
                  ? Optional.of(new KeepSemver(random.nextInt(3), random.nextInt(3), 1))
                  : Optional.empty()));
    }
    return new PrunePolicy(
        "random",
        List.of(
            new RegistryRules(
                "registries[0]",
                List.of(Globs.compile("r.example/**")),
                List.of(),
                rules,
                random.nextBoolean()
                    ? Optional.of(Duration.ofDays(random.nextInt(30)))
                    : Optional.empty(),
                List.of())),
        new Protection(
            random.nextInt(10) != 0,
            random.nextInt(3) == 0 ? List.of(Pattern.compile("^keep-")) : List.of(),
            random.nextInt(3) == 0 ? Map.of("keep", "") : Map.of()),
        new Limits(0, 100),
        Duration.ofHours(24));
  }

  /** The same case with everything in another order. */
  Case shuffled(Case original) {
    List<RepositoryInventory> inventory = new ArrayList<>();
    for (RepositoryInventory r : original.inventory()) {
      inventory.add(
          new RepositoryInventory(
              r.name(), shuffled(r.tags()), shuffled(r.manifests()), r.missing(), r.failure()));
    }
    Collections.shuffle(inventory, random);
    List<Use> uses = new ArrayList<>(original.inUse().uses());
    Collections.shuffle(uses, random);
    InUse use = original.inUse();
    return new Case(
        original.policy(),
        new InUse(
            uses, use.unparsable(), use.busy(), use.unknown(), use.clusters(), use.mappings()),
        inventory,
        original.ledger());
  }

  private <K, V> Map<K, V> shuffled(Map<K, V> map) {
    List<Map.Entry<K, V>> entries = new ArrayList<>(map.entrySet());
    Collections.shuffle(entries, random);
    Map<K, V> result = new LinkedHashMap<>();
    entries.forEach(e -> result.put(e.getKey(), e.getValue()));
    return result;
  }
}
