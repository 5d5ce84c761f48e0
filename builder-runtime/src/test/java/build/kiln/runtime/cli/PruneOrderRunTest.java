package build.kiln.runtime.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.cluster.FakeCluster;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.ConfigMapShardStore;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.prune.Scanner;
import build.kiln.runtime.prune.StoredManifestCache;
import build.kiln.runtime.prune.Warning;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An order as a pod carries it out: the cluster says what is in use, and keeps what is known. */
class PruneOrderRunTest {
  private static final String NONCE = "0123456789abcdefNONCE";

  @TempDir Path secrets;
  private EmbeddedRegistry registry;
  private FakeCluster cluster;
  private ClusterApi api;
  private RegistryClient client;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
    cluster = FakeCluster.start();
    api = cluster.api();
    client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous());
    for (int i = 1; i <= 4; i++) {
      push("shop/api:pr-" + i, "image " + i);
    }
    seen(Duration.ofDays(10));
    push("shop/api:pr-5", "image 5");
    seen(Duration.ofDays(5));
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    api.close();
    cluster.close();
    registry.close();
  }

  private Digest push(String ref, String content) throws IOException {
    Reference target = registry.reference(ref);
    byte[] layer = content.getBytes(StandardCharsets.UTF_8);
    Descriptor blob = Descriptor.ofBytes(MediaTypes.OCI_LAYER, layer);
    client.pushBlob(target, blob, BlobSource.of(layer), List.of());
    byte[] config = ("{\"c\":\"" + content + "\"}").getBytes(StandardCharsets.UTF_8);
    Descriptor of = Descriptor.ofBytes(MediaTypes.OCI_CONFIG, config);
    client.pushBlob(target, of, BlobSource.of(config), List.of());
    byte[] manifest = Json.write(Manifest.oci(of, List.of(blob), null));
    return client.pushManifest(target, manifest, MediaTypes.OCI_MANIFEST).digest();
  }

  /** A scan of so long ago, of what is there now. */
  private void seen(Duration ago) throws IOException {
    var owner = new ConfigMapShardStore.Owner("nightly", "uid-1");
    var ledger = new LedgerBook(new ConfigMapShardStore(api, owner, "ledger"));
    var manifests = new StoredManifestCache(new ConfigMapShardStore(api, owner, "manifests"));
    Clock then = Clock.fixed(Instant.now().minus(ago), ZoneOffset.UTC);
    new Scanner(client, ledger, manifests, then)
        .plan(
            PolicyReader.read("nightly", spec("")),
            InUse.NOTHING,
            List.of(registry.host() + "/shop/api"));
  }

  private ImagePrunePolicySpec spec(String more) throws IOException {
    return Json.mapper()
        .readValue(
            ("{'registries':[{'repositories':['HOST/shop/api'],'rules':[{'match':{'tags':['pr-*']},'keepLast':1}]}],'limits':{'maxPercent':100}"
                    + more
                    + "}")
                .replace("HOST", registry.host())
                .replace('\'', '"'),
            ImagePrunePolicySpec.class);
  }

  private PruneReport run(String more, @Nullable String approved, WorkOrder.Settings settings)
      throws IOException {
    var policy = new ImagePrunePolicy();
    policy.setMetadata(new ObjectMetaBuilder().withName("nightly").withUid("uid-1").build());
    policy.setSpec(spec(more));
    // As it comes to the pod.
    PruneOrder order =
        Records.readPruneOrder(Records.order(new PruneOrder(policy, 3, approved, NONCE, settings)));
    var places = new PodPrunePlaces(order, api, new PrintStream(out, true, StandardCharsets.UTF_8));
    PruneReport report = new PruneOrderRun(order, secrets, null, places).run();
    assertThat(Records.readPruneOutcome(Records.outcome(report.outcome())))
        .contains(report.outcome());
    assertThat(Records.lastPruneReport(NONCE, "noise\n" + Records.report(NONCE, report)))
        .contains(report);
    return report;
  }

  private PruneReport run(String more) throws IOException {
    return run(more, null, WorkOrder.Settings.none());
  }

  private List<String> tags() throws IOException {
    return client.listTags(registry.reference("shop/api"));
  }

  private void pod(String image) throws IOException {
    cluster.put(
        "/api/v1/pods",
        "{'metadata':{'name':'p','namespace':'n'},'spec':{'containers':[{'image':'%s'}]}}"
            .formatted(image));
  }

  @Test
  void aDryRunSaysWhatARunDoesAndTheReportSaysWhy() throws IOException {
    pod(registry.host() + "/shop/api:pr-2");

    PruneReport dry = run("");
    assertThat(dry.outcome().succeeded()).isTrue();
    assertThat(dry.outcome().dryRun()).isTrue();
    assertThat(dry.outcome().deleted()).isEqualTo(3);
    assertThat(dry.deletions())
        .extracting(ImagePrunePolicyStatus.Deletion::result)
        .containsOnly(ImagePrunePolicyStatus.Result.Planned);
    assertThat(tags()).hasSize(5);

    PruneReport real = run(",'dryRun':false");
    assertThat(real.outcome().succeeded()).isTrue();
    assertThat(real.outcome().planHash()).isEqualTo(dry.outcome().planHash());
    assertThat(real.outcome().deleted()).isEqualTo(3);
    assertThat(real.outcome().reclaimedBytes()).isPositive();
    assertThat(real.kept())
        .containsExactlyInAnyOrder(new Kept("IN_USE", 1), new Kept("KEEP_LAST", 1));
    assertThat(real.deletions())
        .extracting(ImagePrunePolicyStatus.Deletion::image)
        .containsExactlyInAnyOrder(
            registry.host() + "/shop/api:pr-1",
            registry.host() + "/shop/api:pr-3",
            registry.host() + "/shop/api:pr-4");
    assertThat(tags()).containsExactlyInAnyOrder("pr-2", "pr-5");

    assertThat(real.report())
        .isEqualTo(
            "kubectl get configmaps -n kiln -l"
                + " kiln.build/prune-policy=nightly,kiln.build/prune-part=report -o json");
    ReportFile file = ReportFile.read("report", reportMaps());
    assertThat(file.run()).isEqualTo(3);
    assertThat(file.result()).isNotNull();
    assertThat(file.plan().repositories().getFirst().kept())
        .anySatisfy(keep -> assertThat(keep.verdict().detail()).isEqualTo("Pod n/p"));
  }

  /** As kubectl prints the ConfigMaps. */
  private byte[] reportMaps() {
    var list = Json.mapper().createObjectNode().put("kind", "List");
    var items = list.putArray("items");
    cluster.objects("/api/v1/configmaps").stream()
        .filter(map -> map.at("/metadata/name").asText().contains("-report-"))
        .forEach(items::add);
    return Json.write(list);
  }

  @Test
  void aMirrorOfTheInstallationIsAnotherNameOfWhatPodsPull() throws IOException {
    pod("docker.io/shop/api:pr-1");
    var settings =
        new WorkOrder.Settings(
            Map.of("docker.io", List.of("http://" + registry.host())),
            null,
            null,
            null,
            null,
            null);

    assertThat(run(",'dryRun':false", null, settings).outcome().succeeded()).isTrue();

    assertThat(tags()).containsExactlyInAnyOrder("pr-1", "pr-5");
  }

  @Test
  void aMirrorOfTheInstallationThatIsNoneIsAFailureThatNamesIt() throws IOException {
    var settings =
        new WorkOrder.Settings(
            Map.of("docker.io", List.of("https://no host/x")), null, null, null, null, null);

    PruneReport report = run(",'dryRun':false", null, settings);

    assertThat(report.outcome().reason()).isEqualTo(PruneFailureReason.SpecInvalid);
    assertThat(report.outcome().message()).contains("registries.mirrors", "docker.io", "no host");
    assertThat(tags()).hasSize(5);
  }

  /** One tenant's typo keeps what it names, and the run says whose it is. */
  @Test
  void referencesThatCannotBeParsedAreNamed() throws IOException {
    for (int i = 10; i < 22; i++) {
      cluster.put(
          "/api/v1/pods",
          "{'metadata':{'name':'p%d','namespace':'tenant'},'spec':{'containers':[{'image':'%s/shop/api:%d:x'}]}}"
              .formatted(i, registry.host(), i));
    }
    cluster.put(
        "/apis/apps/v1/deployments",
        "{'metadata':{'name':'d','namespace':'other'},'spec':{'template':{'spec':{'containers':[{'image':'nginx::'}]}}}}");

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().succeeded()).isTrue();
    assertThat(tags()).hasSize(5);
    String tenth = "Pod tenant/p19: \"%s/shop/api:19:x\" keeps".formatted(registry.host());
    assertThat(report.warnings())
        .singleElement()
        .satisfies(
            warning -> {
              assertThat(warning.reason()).isEqualTo("ReferencesUnparsable");
              assertThat(warning.message())
                  .contains("Pod tenant/p10", tenth + " " + registry.host() + "/shop/api")
                  .endsWith("; and 3 more");
            });
    String message = report.warnings().getFirst().message();
    assertThat(report.outcome().message()).endsWith(message);
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("ReferencesUnparsable: " + message);
    assertThat(ReportFile.read("report", reportMaps()).plan().toPlan().warnings())
        .extracting(Warning::message)
        .containsExactly(message);
  }

  @Test
  void aReferenceThatCannotBeParsedIsNamedThoughItKeepsNothing() throws IOException {
    pod("nginx::");

    PruneReport report = run("");

    assertThat(report.outcome().message())
        .contains("Pod n/p: \"nginx::\" keeps nothing here")
        .doesNotContain("stopped");
    assertThat(report.outcome().deleted()).isEqualTo(4);
  }

  @Test
  void aSourceOfUseThatNamesNothingStopsARunUnlessThePolicyAllowsIt() throws IOException {
    cluster.put(
        "/apis/example.com/v1/widgets",
        "{'metadata':{'name':'w','namespace':'n'},'spec':{'image':'%s/shop/api:pr-1'}}"
            .formatted(registry.host()));
    String source =
        ",'dryRun':false,'protect':{'extraSources':[{'apiVersion':'example.com/v1','kind':'Widget','jsonPath':'%s'%s}]}";

    PruneReport stopped = run(source.formatted(".spec.img", ""));
    assertThat(stopped.outcome().reason()).isEqualTo(PruneFailureReason.UseUnknown);
    assertThat(stopped.outcome().message())
        .contains("Widget of example.com/v1: 1 of them were read, and .spec.img names nothing");
    assertThat(tags()).hasSize(5);

    PruneReport right = run(source.formatted(".spec.image", ""));
    assertThat(right.outcome().succeeded()).isTrue();
    assertThat(right.warnings()).isEmpty();
    assertThat(tags()).containsExactly("pr-1", "pr-5");

    PruneReport allowed = run(source.formatted(".spec.img", ",'optional':true"));
    assertThat(allowed.outcome().succeeded()).isTrue();
    assertThat(allowed.warnings())
        .extracting(ImagePrunePolicyStatus.Warning::reason)
        .containsExactly("SourcesEmpty");
    assertThat(tags()).containsExactly("pr-5");
  }

  @Test
  void anotherPolicyOfTheRepositoryIsNamedAndNothingElseChanges() throws IOException {
    String policy =
        "{'apiVersion':'kiln.build/v1alpha1','kind':'ImagePrunePolicy','metadata':{'name':'%s'},'spec':{'registries':[{'repositories':['%s/shop/**'],'untagged':{'olderThan':'24h'}}]}}";
    for (String name : List.of("nightly", "weekly")) {
      cluster.put(
          "/apis/kiln.build/v1alpha1/imageprunepolicies", policy.formatted(name, registry.host()));
    }

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().succeeded()).isTrue();
    assertThat(report.warnings())
        .extracting(ImagePrunePolicyStatus.Warning::reason)
        .containsExactly("PoliciesOverlap");
    assertThat(report.outcome().message())
        .endsWith(registry.host() + "/shop/api (policy weekly, registries[0])");
    assertThat(tags()).containsExactly("pr-5");
  }

  @Test
  void policiesThatCannotBeListedAreAWarning() throws IOException {
    cluster.fail("/imageprunepolicies", query -> true, 403, 100);

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().message()).contains("is not known").contains("403");
    assertThat(tags()).containsExactly("pr-5");
  }

  @Test
  void aRunReadsNoManifestThatAnEarlierOneRead() throws IOException {
    run("");
    registry.requests().clear();

    run("");

    assertThat(registry.requests().matching("GET", "/manifests/pr-"))
        .hasSize(5)
        .allSatisfy(r -> assertThat(r.header("If-None-Match")).isPresent());
  }

  @Test
  void manifestsThatCannotBeKeptAreAWarning() throws IOException {
    run("");
    push("shop/api:pr-6", "image 6");
    cluster.fail("-manifests-000", query -> true, 403, 100);

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().succeeded()).isTrue();
    assertThat(report.warnings())
        .extracting(ImagePrunePolicyStatus.Warning::reason)
        .containsExactly("ManifestsNotKept");
    assertThat(tags()).containsExactly("pr-6");
  }

  @Test
  void whatARepositoryWaitsForIsNamed() throws IOException {
    cluster.put(
        "/apis/kiln.build/v1alpha1/imagebuilds",
        "{'apiVersion':'kiln.build/v1alpha1','kind':'ImageBuild','metadata':{'name':'b','namespace':'shop'},'spec':{'output':{'image':'%s/shop/api','tags':['1']}},'status':{'conditions':[{'type':'Reconciling','status':'True'}]}}"
            .formatted(registry.host()));

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().message())
        .contains("%s/shop/api (REPOSITORY_BUSY: ImageBuild shop/b)".formatted(registry.host()));
  }

  @Test
  void aKindThatCannotBeListedStopsIt() throws IOException {
    cluster.fail("/statefulsets", query -> true, 403, 100);

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().reason()).isEqualTo(PruneFailureReason.UseUnknown);
    assertThat(report.outcome().message()).contains("StatefulSet").contains("403");
    assertThat(report.outcome().retryable()).isTrue();
    assertThat(tags()).hasSize(5);
  }

  @Test
  void aPlanBeyondTheLimitsSaysHowItIsApprovedAndThenIsDone() throws IOException {
    PruneReport stopped = run(",'dryRun':false,'limits':{'maxDeletions':2}");
    assertThat(stopped.outcome().reason()).isEqualTo(PruneFailureReason.LimitsExceeded);
    assertThat(stopped.outcome().message())
        .endsWith(
            "kubectl annotate --overwrite imageprunepolicy nightly kiln.build/approve="
                + stopped.outcome().planHash());
    assertThat(tags()).hasSize(5);

    PruneReport done =
        run(
            ",'dryRun':false,'limits':{'maxDeletions':2}",
            stopped.outcome().planHash(),
            WorkOrder.Settings.none());
    assertThat(done.outcome().succeeded()).isTrue();
    assertThat(tags()).containsExactly("pr-5");
  }

  @ParameterizedTest
  @CsvSource({
    "405,UNSUPPORTED,DeleteUnsupported",
    "403,DENIED,DeleteDenied",
    "401,UNAUTHORIZED,DeleteDenied"
  })
  void aRegistryThatDoesNotDeleteIsNamed(int status, String code, PruneFailureReason reason)
      throws IOException {
    registry.faults().always("DELETE", "/manifests/", Fault.error(status, code, "no"));

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().reason()).isEqualTo(reason);
    assertThat(report.outcome().message()).contains(registry.host());
    assertThat(report.outcome().retryable()).isFalse();
    assertThat(report.outcome().deleted()).isZero();
    assertThat(report.deletions())
        .extracting(ImagePrunePolicyStatus.Deletion::result)
        .startsWith(ImagePrunePolicyStatus.Result.Failed);
  }

  @Test
  void aRepositoryThatCannotBeReadIsNotASuccess() throws IOException {
    registry.faults().always("GET", "/manifests/pr-3", Fault.error(400, "X", "broken"));

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().reason()).isEqualTo(PruneFailureReason.RepositoryUnreadable);
    assertThat(tags()).hasSize(5);
  }

  @Test
  void aReportGoesToAUrlWithItsLogin() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var got = new AtomicReference<String>();
    var body = new AtomicReference<byte[]>();
    server.createContext(
        "/",
        exchange -> {
          body.set(exchange.getRequestBody().readAllBytes());
          got.set(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestURI()
                  + " "
                  + exchange.getRequestHeaders().getFirst("Authorization"));
          exchange.sendResponseHeaders(201, -1);
          exchange.close();
        });
    server.start();
    try {
      String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/{policy}/{run}.json";
      String to =
          ",'dryRun':false,'report':{'url':'%s','secretRef':{'namespace':'kiln','name':'drop'}}"
              .formatted(url);

      PruneReport without = run(to);
      assertThat(without.outcome().reason()).isEqualTo(PruneFailureReason.ReportNotDelivered);
      assertThat(without.outcome().message()).contains("drop");

      Files.createDirectories(secrets.resolve("report/drop"));
      Files.writeString(secrets.resolve("report/drop/token"), "t0ken\n");
      PruneReport with = run(to);
      assertThat(with.outcome().succeeded()).isTrue();
      assertThat(got).hasValue("PUT /nightly/3.json Bearer t0ken");
      assertThat(ReportFile.read("it", requireNonNull(body.get())).run()).isEqualTo(3);
      assertThat(with.report()).endsWith("/nightly/3.json");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aSecretThatIsNotThereIsNamed() throws IOException {
    PruneReport report =
        run(
            ",'cache':[{'repositories':['HOST/cache'],'secretRef':{'namespace':'kiln','name':'login'}}]");

    assertThat(report.outcome().reason()).isEqualTo(PruneFailureReason.SecretNotFound);
    assertThat(report.outcome().message()).contains("\"login\"");
  }

  @Test
  void aDamagedLedgerStopsIt() throws IOException {
    cluster.put(
        "/api/v1/configmaps",
        "{'metadata':{'name':'kiln-prune-nightly-ledger-ledger','namespace':'kiln','labels':{'kiln.build/prune-policy':'nightly','kiln.build/prune-part':'ledger'}},'binaryData':{'data.gz':'AAAA'}}");

    PruneReport report = run(",'dryRun':false");

    assertThat(report.outcome().reason()).isEqualTo(PruneFailureReason.LedgerInvalid);
    assertThat(tags()).hasSize(5);
  }
}
