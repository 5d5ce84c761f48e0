package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.runtime.cache.CacheEntry;
import build.kiln.runtime.cache.RegistryCache;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.Plan.Cause;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Policies as people write them, from the scan to what is left in the registry. */
class PolicyRunTest {
  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private Desk desk;
  private InUse use = InUse.NOTHING;
  private List<OtherPolicies.Named> policies = List.of();

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
    desk = new Desk(registry.host(), folder);
  }

  @AfterEach
  void stop() throws IOException {
    desk.close();
    registry.close();
  }

  /**
   * @param fields in YAML's flow style, with {@code HOST}
   */
  private ImagePrunePolicySpec spec(String fields) throws IOException {
    return Json.mapper()
        .readValue(
            ("{" + fields + "}").replace("HOST", registry.host()).replace('\'', '"'),
            ImagePrunePolicySpec.class);
  }

  private static final String PULL_REQUESTS =
      "'registries':[{'repositories':['HOST/**'],'rules':[{'match':{'tags':['pr-*']},'keepLast':1}]}],";

  private PolicyRun run(String fields) throws IOException {
    return run(fields, () -> use);
  }

  private PolicyRun run(String fields, Executor.CurrentUse using) throws IOException {
    return new PolicyRun(
        "nightly",
        spec(fields),
        new PolicyRun.Tools(
            desk.client,
            desk.book,
            desk.cache,
            using,
            () -> policies,
            new StoredPlan(new DirectoryShardStore(folder.resolve("plan"))),
            desk.clock,
            outcome -> {}));
  }

  private PolicyRun.Ended now(String fields, @Nullable String approved) throws IOException {
    return run(fields).run(approved);
  }

  /** Images of one repository, each seen a day after the one before. */
  private void images(String repository, int from, int to) throws IOException {
    for (int i = from; i <= to; i++) {
      desk.image(repository + ":pr-" + i, repository + " image " + i);
      now(PULL_REQUESTS + "'dryRun':true", null);
      desk.clock.advance(Duration.ofDays(1).plusHours(1));
    }
  }

  private List<String> tags(String repository) throws IOException {
    return desk.client.listTags(desk.ref(repository));
  }

  @Test
  void aDryRunDeletesNothingAndPlansWhatARunDoes() throws IOException {
    images("app", 1, 4);

    PolicyRun.Ended dry = now(PULL_REQUESTS + "'limits':{'maxPercent':100}", null);
    assertThat(dry.executed()).isEmpty();
    assertThat(dry.plan().deletedDigests()).isEqualTo(3);
    assertThat(tags("app")).hasSize(4);

    PolicyRun.Ended real = now(PULL_REQUESTS + "'dryRun':false,'limits':{'maxPercent':100}", null);
    assertThat(real.plan().hash()).isEqualTo(dry.plan().hash());
    assertThat(tags("app")).containsExactly("pr-4");
  }

  @Test
  void moreThanTheLimitWaitsForThePersonWhoApprovesItsHash() throws IOException {
    images("app", 1, 4);
    String fields = PULL_REQUESTS + "'dryRun':false";

    PolicyRun.Ended stopped = now(fields, null);
    assertThat(stopped.plan().stop())
        .extracting(Plan.Stop::cause)
        .isEqualTo(Cause.TOO_LARGE_A_PART);
    assertThat(tags("app")).hasSize(4);

    PolicyRun.Ended done = now(fields, stopped.plan().hash());
    assertThat(done.executed()).hasValueSatisfying(r -> assertThat(r.deleted()).isEqualTo(3));
    assertThat(tags("app")).containsExactly("pr-4");
  }

  /** What came meanwhile was not approved; what did not change is carried out. */
  @Test
  void anApprovalIsOfRepositoriesThatAreAsTheyWere() throws IOException {
    images("app", 1, 4);
    images("api", 1, 4);
    String fields = PULL_REQUESTS + "'dryRun':false";
    String hash = now(fields, null).plan().hash();
    images("api", 5, 6);

    PolicyRun.Ended done = now(fields, hash);

    assertThat(done.plan().hash()).isNotEqualTo(hash);
    RunReport report = done.executed().orElseThrow();
    assertThat(report.deleted()).isEqualTo(3);
    assertThat(report.left()).isEqualTo(5);
    assertThat(tags("app")).containsExactly("pr-4");
    assertThat(tags("api")).hasSize(6);

    PolicyRun.Ended rest = now(fields, now(fields, null).plan().hash());
    assertThat(rest.executed().orElseThrow().deleted()).isEqualTo(5);
    assertThat(tags("api")).containsExactly("pr-6");
  }

  @Test
  void anApprovalOfAnotherPlanDeletesNothing() throws IOException {
    images("app", 1, 4);
    String fields = PULL_REQUESTS + "'dryRun':false";

    RunReport report = now(fields, "ab".repeat(32)).executed().orElseThrow();

    assertThat(report.stop())
        .extracting(Plan.Stop::message)
        .asString()
        .contains("limits.maxPercent")
        .endsWith("what was approved, " + "ab".repeat(32) + ", is another plan");
    assertThat(tags("app")).hasSize(4);
  }

  @Test
  void anApprovalIsForOnce() throws IOException {
    images("app", 1, 4);
    String fields = PULL_REQUESTS + "'dryRun':false";
    String hash = now(fields, null).plan().hash();
    registry.faults().always("DELETE", "/manifests/", Fault.error(403, "DENIED", "no"));
    assertThat(now(fields, hash).executed().orElseThrow().deleted()).isZero();
    registry.faults().clear();

    PolicyRun.Ended again = now(fields, hash);

    assertThat(again.plan().hash()).as("the very same plan").isEqualTo(hash);
    assertThat(again.executed().orElseThrow().stop())
        .extracting(Plan.Stop::message)
        .asString()
        .contains("an approval is for once");
    assertThat(now(fields, hash).executed().orElseThrow().deleted()).isZero();
    assertThat(tags("app")).hasSize(4);

    assertThat(now(fields, null).plan().hash()).isEqualTo(hash);
    assertThat(now(fields, hash).executed().orElseThrow().deleted()).isEqualTo(3);
  }

  @Test
  void anApprovalInPartIsForOnceToo() throws IOException {
    images("app", 1, 4);
    images("api", 1, 4);
    String fields = PULL_REQUESTS + "'dryRun':false";
    String hash = now(fields, null).plan().hash();
    images("api", 5, 6);
    assertThat(now(fields, hash).executed().orElseThrow().deleted()).isEqualTo(3);

    assertThat(now(fields, hash).executed().orElseThrow().stop())
        .extracting(Plan.Stop::message)
        .asString()
        .contains("an approval is for once");
  }

  @Test
  void anApprovalDoesNotMakeADryRunReal() throws IOException {
    images("app", 1, 4);
    String hash = now(PULL_REQUESTS + "'dryRun':true", null).plan().hash();

    assertThat(now(PULL_REQUESTS + "'dryRun':true", hash).executed()).isEmpty();
    assertThat(tags("app")).hasSize(4);
  }

  @Test
  void useThatIsNotKnownStopsARunThatNobodyCanApprove() throws IOException {
    images("app", 1, 4);
    use = InUse.unknown(List.of("Pod: forbidden"));
    String fields = PULL_REQUESTS + "'dryRun':false";

    PolicyRun.Ended stopped = now(fields, null);
    assertThat(stopped.plan().stop()).extracting(Plan.Stop::cause).isEqualTo(Cause.USE_UNKNOWN);
    assertThat(now(fields, stopped.plan().hash()).executed().orElseThrow().deleted()).isZero();
    assertThat(tags("app")).hasSize(4);
  }

  @Test
  void withoutProtectionOfUseWritersAreStillWaitedFor() throws IOException {
    images("app", 1, 4);
    Use used = Use.of(desk.ref("app:pr-1"), "Pod n/p");
    var busy = new InUse.Busy(registry.host() + "/app", "ImageBuild n/b");
    String fields =
        PULL_REQUESTS + "'dryRun':false,'limits':{'maxPercent':100},'protect':{'inUse':false}";

    use = new InUse(List.of(used), List.of(), List.of(busy), List.of(), List.of(), List.of());
    assertThat(now(fields, null).plan().keptByReason()).containsOnlyKeys(Reason.REPOSITORY_BUSY);

    use = new InUse(List.of(used), List.of(), List.of(), List.of(), List.of(), List.of());
    now(fields, null);
    assertThat(tags("app")).containsExactly("pr-4");
  }

  @Test
  void policiesThatNameTheSameRepositoriesAreNamed() throws IOException {
    images("app", 1, 4);
    images("api", 1, 2);
    String port = registry.host().substring(registry.host().indexOf(':'));
    policies =
        List.of(
            new OtherPolicies.Named("nightly", spec(PULL_REQUESTS + "'dryRun':true")),
            new OtherPolicies.Named(
                "weekly",
                spec(
                    "'registries':[{'repositories':['node1:30500/x']},{'repositories':['node1:30500/**'],'exclude':['node1:30500/api'],'aliases':['localhost%s']}]"
                        .formatted(port))),
            new OtherPolicies.Named("caches", spec("'cache':[{'repositories':['HOST/api']}]")),
            new OtherPolicies.Named("far", spec("'cache':[{'repositories':['r.io/api']}]")));

    PolicyRun.Ended ended = now(PULL_REQUESTS + "'dryRun':false,'limits':{'maxPercent':100}", null);

    assertThat(ended.plan().warnings())
        .containsExactly(
            new Warning(
                Warning.Kind.PoliciesOverlap,
                "repositories are in other policies too, and what one of them lets go is gone for both: HOST/api (policy caches, cache[0]); HOST/app (policy weekly, registries[1])"
                    .replace("HOST", registry.host())));
    assertThat(ended.executed().orElseThrow().deleted()).isEqualTo(4);
  }

  /** Each with a ledger of its own, at the same time. */
  @Test
  void twoPoliciesOnARepositoryLeaveNothingDangling() throws Exception {
    List<Descriptor> used = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Descriptor shared = desk.image("app", "shared by " + i / 2);
      Descriptor own = desk.image("app", "own of " + i);
      used.add(desk.index("app:pr-" + i, own, shared));
      desk.index("app:1." + i + ".0", own, shared);
      now(PULL_REQUESTS + "'dryRun':true", null);
      desk.clock.advance(Duration.ofDays(2));
    }
    use =
        new InUse(
            List.of(Use.of(desk.ref("app").withDigest(used.get(1).digest()), "Pod n/p")),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of());
    String versions =
        "'registries':[{'repositories':['HOST/**'],'rules':[{'match':{'tags':['1.*']},'keepSemver':{'minors':2}}]}],";
    String rest = "'dryRun':false,'limits':{'maxPercent':100}";
    try (var other = new Desk(registry.host(), folder.resolve("other"))) {
      other.clock.advance(Duration.ofDays(12));
      var one = run(PULL_REQUESTS + rest);
      var two =
          new PolicyRun(
              "weekly",
              spec(versions + rest),
              new PolicyRun.Tools(
                  other.client,
                  other.book,
                  other.cache,
                  () -> use,
                  () -> policies,
                  new StoredPlan(new DirectoryShardStore(folder.resolve("other-plan"))),
                  other.clock,
                  outcome -> {}));
      two.plan();
      desk.clock.advance(Duration.ofDays(3));
      other.clock.advance(Duration.ofDays(3));
      try (var threads = Executors.newFixedThreadPool(2)) {
        List<Callable<PolicyRun.Ended>> both = List.of(() -> one.run(null), () -> two.run(null));
        for (var ended : threads.invokeAll(both)) {
          assertThat(ended.get().executed().orElseThrow().failed()).isZero();
        }
      }
    }
    assertThat(desk.has("app", used.get(1))).isTrue();
    List<String> left = tags("app");
    assertThat(left).hasSizeLessThan(12).isNotEmpty();
    for (String tag : left) {
      var index = desk.client.fetchManifest(desk.ref("app:" + tag));
      var descriptor = index.descriptor();
      for (Digest child :
          ManifestFacts.read(descriptor.digest(), descriptor.mediaType(), index.bytes())
              .children()) {
        assertThat(desk.client.head(desk.ref("app").withDigest(child))).isPresent();
      }
    }
  }

  @Test
  void entriesThatNameTheSameRepositoriesAreNamed() throws IOException {
    images("app", 1, 4);
    String two =
        "'registries':[{'repositories':['HOST/*'],'untagged':{'olderThan':'24h'}},{'repositories':['HOST/**'],'rules':[{'match':{'tags':['pr-*']},'keepLast':1}]}]";

    Plan plan = now(two, null).plan();

    assertThat(plan.warnings())
        .containsExactly(
            new Warning(
                Warning.Kind.EntriesOverlap,
                "repositories are in two entries of the policy: %s/app: registries[0] governs it, registries[1] names it too and is not asked"
                    .formatted(registry.host())));
    assertThat(plan.deletions()).isZero();
  }

  // Caches.

  private static final String CACHE =
      "'cache':[{'repositories':['HOST/cache/*'],'unusedFor':'336h'%s}],'dryRun':false,'limits':{'maxPercent':100}";

  private CacheEntry entry(String layer, String key) throws IOException {
    Descriptor blob = desk.blob(desk.ref("cache/api"), MediaTypes.OCI_LAYER, layer);
    Digest diff = Digest.ofBytes(layer.getBytes(StandardCharsets.UTF_8));
    String hex = Digest.ofBytes(key.getBytes(StandardCharsets.UTF_8)).hex();
    return new CacheEntry(blob, diff, desk.clock.instant().toString(), List.of(hex));
  }

  /** What a build leaves in the cache. */
  private void build(String name, CacheEntry... entries) throws IOException {
    Reference repository = desk.ref("cache/api");
    var cache =
        new RegistryCache(desk.client, repository, name, Platform.parse("linux/amd64"), desk.clock);
    for (CacheEntry entry : entries) {
      cache.write(entry, false);
    }
    cache.writeList(List.of(entries), List::of);
  }

  private static String tag(CacheEntry entry) {
    return "k-" + entry.keys().getFirst();
  }

  private void cache(String size) throws IOException {
    now(CACHE.formatted(size), null);
  }

  @Test
  void entriesThatNoFreshListHasGo() throws IOException {
    CacheEntry base = entry("base", "1");
    CacheEntry old = entry("old", "2");
    CacheEntry young = entry("new", "3");
    build("api", base, old);
    build("forgotten", base);
    desk.image("cache/api:latest", "somebody's image");
    cache("");
    desk.clock.advance(Duration.ofDays(10));
    build("api", base, young);
    cache("");
    assertThat(tags("cache/api")).hasSize(5).doesNotContain(tag(old)).contains("latest");

    desk.clock.advance(Duration.ofDays(10));
    cache("");
    assertThat(tags("cache/api")).hasSize(4).contains(tag(base), tag(young), "latest");
  }

  @Test
  void anEntryThatIsListedAfterThePlanStays() throws IOException {
    CacheEntry base = entry("base", "1");
    CacheEntry old = entry("old", "2");
    build("api", base, old);
    cache("");
    desk.clock.advance(Duration.ofDays(10));
    build("api", base);
    int[] asked = {0};
    Executor.CurrentUse using =
        () -> {
          if (++asked[0] == 2) {
            build("other", old);
          }
          return InUse.NOTHING;
        };

    PolicyRun.Ended ended = run(CACHE.formatted(""), using).run(null);

    assertThat(ended.plan().deletions()).isPositive();
    assertThat(ended.executed().orElseThrow().deleted()).isZero();
    assertThat(tags("cache/api")).contains(tag(old));
  }

  /** A plan that is carried out later, as at a desk. */
  @Test
  void anEntryThatIsListedAfterAPlanThatIsAppliedStays() throws IOException {
    CacheEntry base = entry("base", "1");
    CacheEntry old = entry("old", "2");
    build("api", base, old);
    cache("");
    desk.clock.advance(Duration.ofDays(10));
    build("api", base);
    PolicyRun run = run(CACHE.formatted(""));
    Plan plan = run.plan();
    assertThat(plan.deletions()).isPositive();
    build("other", old);

    RunReport report = run.apply(plan, "");

    assertThat(report.deleted()).isZero();
    assertThat(tags("cache/api")).contains(tag(old));
  }

  @Test
  void aPlanOfAnotherPolicyIsNotApplied() throws IOException {
    images("app", 1, 4);
    Plan plan = now(PULL_REQUESTS + "'limits':{'maxPercent':100}", null).plan();
    PolicyRun other =
        run("'registries':[{'repositories':['HOST/other'],'untagged':{'olderThan':'24h'}}]");

    assertThatThrownBy(() -> other.apply(plan, "")).hasMessageContaining("plan again");
    assertThat(tags("app")).hasSize(4);
  }

  @Test
  void whatMayBeAnothersStaysWithoutTagsBesideACache() throws IOException {
    CacheEntry base = entry("base", "1");
    build("api", base);
    Descriptor list = list();
    Descriptor image = desk.image("cache/api:latest", "somebody's image");
    cache("");
    desk.clock.advance(Duration.ofHours(1));
    build("api", base, entry("more", "2"));
    desk.image("cache/api:latest", "somebody's next image");
    cache("");
    desk.clock.advance(Duration.ofDays(5));
    cache("");
    assertThat(desk.has("cache/api", image)).isTrue();
    assertThat(desk.has("cache/api", list)).isTrue();
  }

  @Test
  void inARepositoryOfItsOwnACachesOldListsGo() throws IOException {
    CacheEntry base = entry("base", "1");
    build("api", base);
    Descriptor list = list();
    cache("");
    desk.clock.advance(Duration.ofHours(1));
    build("api", base, entry("more", "2"));
    cache("");
    desk.clock.advance(Duration.ofDays(5));
    cache("");
    assertThat(desk.has("cache/api", list)).isFalse();
    assertThat(tags("cache/api")).hasSize(3);
  }

  private Descriptor list() throws IOException {
    String tag =
        tags("cache/api").stream().filter(t -> t.startsWith("list-")).findFirst().orElseThrow();
    return desk.client.head(desk.ref("cache/api:" + tag)).orElseThrow();
  }

  @Test
  void entriesYoungerThanTheGracePeriodStayThoughNoListHasThem() throws IOException {
    CacheEntry old = entry("old", "2");
    build("api", old);
    cache("");
    build("api", entry("new", "3"));
    desk.clock.advance(Duration.ofHours(23));
    cache("");
    assertThat(tags("cache/api")).contains(tag(old));

    desk.clock.advance(Duration.ofHours(2));
    cache("");
    assertThat(tags("cache/api")).doesNotContain(tag(old));
  }

  @Test
  void aboveTheSizeTheListsOfThoseWhoBuiltLongestAgoGo() throws IOException {
    CacheEntry shared = entry("s".repeat(1000), "shared");
    CacheEntry one = entry("1".repeat(1000), "one");
    CacheEntry two = entry("2".repeat(1000), "two");
    build("one", shared, one);
    desk.clock.advance(Duration.ofHours(1));
    build("two", shared, two);
    cache("");
    desk.clock.advance(Duration.ofDays(2));

    cache(",'maxSize':'3k'");
    assertThat(tags("cache/api")).hasSize(5);

    cache(",'maxSize':'2500'");
    assertThat(tags("cache/api")).hasSize(3).contains(tag(shared), tag(two));

    cache(",'maxSize':'1'");
    assertThat(tags("cache/api")).as("the newest stays").hasSize(3);
  }

  @Test
  void aCacheWhoseListCannotBeReadStays() throws IOException {
    CacheEntry old = entry("old", "2");
    build("api", old);
    cache("");
    desk.image("cache/api:list-" + "a".repeat(64), "no list");
    desk.clock.advance(Duration.ofDays(40));

    PolicyRun.Ended ended = now(CACHE.formatted(""), null);

    assertThat(ended.plan().keptByReason()).containsOnlyKeys(Reason.REFERENCE_UNPARSABLE);
    assertThat(tags("cache/api")).contains(tag(old));
  }

  @Test
  void aReportSaysWhyOfEverythingAndIsReadAgain() throws IOException {
    images("app", 1, 4);
    PolicyRun.Ended ended = now(PULL_REQUESTS + "'dryRun':false,'limits':{'maxPercent':100}", null);

    ReportFile file = ReportFile.read("report", ReportFile.of(7, ended).write());

    assertThat(file.run()).isEqualTo(7);
    assertThat(file.dryRun()).isFalse();
    assertThat(file.plan().toPlan()).isEqualTo(ended.plan());
    assertThat(file.result()).isEqualTo(ended.executed().orElseThrow());
    assertThatThrownBy(() -> ReportFile.read("x", "{}".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(PruneException.class);
  }
}
