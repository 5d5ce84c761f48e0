package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.RegistryCache;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cache.StepCache.Mode;
import build.kiln.runtime.cache.StepCache.Target;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.testkit.ImageValidator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A cache in a registry: what it saves, what it asks, and what it does when it is broken. */
class RegistryCacheTest {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final String STAGES =
      """
      FROM scratch AS one
      COPY a.txt /a
      COPY b.txt /b
      FROM scratch
      COPY --from=one /a /x
      COPY b.txt /y
      """;

  @TempDir Path folder;
  private BuildBench bench;
  private Reference image;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("a.txt", "a").file("b.txt", "b");
    image = bench.registry.reference("shop/api:1");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private RegistryCache cache(String name, Instant when) {
    return new RegistryCache(
        bench.client,
        bench.registry.reference("shop/cache"),
        name,
        Platform.host(),
        Clock.fixed(when, ZoneOffset.UTC));
  }

  private StepCache fromAndTo(RegistryCache cache, Mode mode) {
    return new StepCache(bench.store(), "", List.of(cache), List.of(new Target(cache, mode)));
  }

  private StepCache max() {
    return fromAndTo(cache("shop/api", NOW), Mode.max);
  }

  private Built build(String dockerfile, StepCache cache) throws Exception {
    return bench.build(dockerfile, cache, this::push);
  }

  private List<Reference> push(BuildResult result) throws BuildException, InterruptedException {
    new ImagePusher(bench.store(), bench.client)
        .push(result, List.of(image), new BuildProgress(event -> {}));
    return List.of(image);
  }

  /** A build where nothing is known but the registry, in a log of its own. */
  private Built fresh(String dockerfile, StepCache cache) throws Exception {
    bench.registry.requests().clear();
    return build(dockerfile, cache);
  }

  private List<CacheResult> results() {
    return bench.events.stream()
        .filter(BuildEvent.Finished.class::isInstance)
        .map(e -> ((BuildEvent.Finished) e).cache())
        .filter(Objects::nonNull)
        .toList();
  }

  private List<String> warnings() {
    return bench.events.stream()
        .filter(BuildEvent.Warning.class::isInstance)
        .map(e -> ((BuildEvent.Warning) e).text())
        .toList();
  }

  private List<String> reasons() {
    return bench.events.stream()
        .filter(BuildEvent.Finished.class::isInstance)
        .map(e -> ((BuildEvent.Finished) e).missReason())
        .filter(Objects::nonNull)
        .toList();
  }

  private int asked(String method, String path) {
    return bench.registry.requests().count(method, path);
  }

  private List<String> tags(String prefix) throws IOException {
    return bench.client.listTags(bench.registry.reference("shop/cache")).stream()
        .filter(tag -> tag.startsWith(prefix))
        .toList();
  }

  @Test
  void aCachedBuildInAFreshProcessAsksForTheListAndMovesNoBlob() throws Exception {
    Built first = build(STAGES, max());
    assertThat(warnings()).isEmpty();
    bench.freshStore();

    Built second = fresh(STAGES, max());

    assertThat(results()).hasSize(4).containsOnly(CacheResult.Hit);
    assertThat(second.digest()).isEqualTo(first.digest());
    assertThat(second.result().cached()).isEqualTo(4);
    assertThat(second.result().pulledBytes()).isZero();
    assertThat(asked("GET", "/shop/cache/")).isEqualTo(1);
    assertThat(asked("GET", "/shop/cache/manifests/list-")).isEqualTo(1);
    assertThat(asked("GET", "/blobs/")).isZero();
    // It wrote nothing either: the list says the same, and the image was there.
    assertThat(asked("*", "/shop/cache/")).isEqualTo(1);
    assertThat(asked("POST", "/shop/api/blobs")).isZero();
    ImageValidator.assertValid(bench.client, image);
  }

  @Test
  void blobsAreMountedFromTheCacheIntoAnotherRepository() throws Exception {
    Built first = build(STAGES, max());
    bench.freshStore();
    image = bench.registry.reference("other/api:1");

    Built second = fresh(STAGES, max());

    assertThat(second.digest()).isEqualTo(first.digest());
    assertThat(asked("GET", "/blobs/")).isZero();
    // Two layers are mounted; only the configuration is sent.
    assertThat(
            bench.registry.requests().matching("POST", "/other/api/blobs/uploads/").stream()
                .filter(r -> String.valueOf(r.uri().getQuery()).contains("mount=")))
        .hasSize(2);
    assertThat(asked("PUT", "/other/api/blobs/uploads/")).isEqualTo(1);
    ImageValidator.assertValid(bench.client, image);
  }

  @Test
  void theCachesLayersAreMountedFromTheImageThatWasPushedBefore() throws Exception {
    bench.registry.requests().clear();

    build(STAGES, fromAndTo(cache("shop/api", NOW), Mode.min));

    List<String> all = bench.registry.requests().all().stream().map(Object::toString).toList();
    assertThat(
            bench.registry.requests().matching("POST", "/shop/cache/blobs/uploads/").stream()
                .filter(r -> String.valueOf(r.uri().getQuery()).contains("mount=")))
        .hasSize(2);
    int tagged = all.indexOf("PUT /v2/shop/api/manifests/1");
    int exported = all.indexOf("POST /v2/shop/cache/blobs/uploads/");
    assertThat(tagged).isNotNegative().isLessThan(exported);
  }

  @Test
  void minKeepsTheImagesLayersOnly() throws Exception {
    // A layer in no stage but the first: the content of /b with /a below it.
    String dockerfile = STAGES.replace("COPY b.txt /b", "COPY b.txt /only/here");
    build(dockerfile, fromAndTo(cache("shop/api", NOW), Mode.min));
    int min = tags("k-").size();
    bench.freshStore();
    fresh(dockerfile, fromAndTo(cache("shop/api", NOW), Mode.min));
    assertThat(results())
        .containsExactlyInAnyOrder(
            CacheResult.Miss, CacheResult.Miss, CacheResult.Hit, CacheResult.Hit);

    bench.freshStore();
    build(dockerfile, max());

    assertThat(tags("k-").size()).isGreaterThan(min);
    bench.freshStore();
    fresh(dockerfile, max());
    assertThat(results()).containsOnly(CacheResult.Hit);
  }

  @Test
  void keysAreFoundByTheirTagsWhereTheListIsOfAnotherBuild() throws Exception {
    build(STAGES, max());
    bench.freshStore();

    fresh(STAGES, fromAndTo(cache("another/name", NOW), Mode.max));

    assertThat(results()).containsOnly(CacheResult.Hit);
    assertThat(asked("GET", "/shop/cache/manifests/list-")).isEqualTo(1);
    assertThat(asked("GET", "/shop/cache/manifests/k-")).isEqualTo(4);
    assertThat(asked("GET", "/shop/cache/blobs/")).isZero();
    assertThat(tags("list-")).hasSize(2);
  }

  @Test
  void afterAMissAStageAsksForNoMoreTags() throws Exception {
    build(STAGES, max());
    bench.freshStore();
    var more = new StringBuilder("FROM scratch\n");
    for (int i = 0; i < 20; i++) {
      more.append("COPY a.txt /other").append(i).append('\n');
    }

    fresh(more.toString(), max());

    assertThat(asked("GET", "/shop/cache/manifests/")).isEqualTo(2);
    bench.freshStore();
    fresh("FROM scratch\nCOPY a.txt /1\nCOPY --link a.txt /2\nCOPY --link b.txt /3", max());
    assertThat(asked("GET", "/shop/cache/manifests/k-")).isEqualTo(3);
  }

  @Test
  void theListIsWrittenAgainWhenItChangesOrGetsOld() throws Exception {
    build(STAGES, max());
    bench.file("b.txt", "changed");
    fresh(STAGES, max());
    assertThat(asked("PUT", "/shop/cache/manifests/list-")).isEqualTo(1);

    fresh(STAGES, max());
    assertThat(asked("PUT", "/shop/cache/manifests/")).isZero();

    Instant later = NOW.plus(Duration.ofHours(25));
    bench.freshStore();
    fresh(STAGES, fromAndTo(cache("shop/api", later), Mode.max));
    assertThat(asked("PUT", "/shop/cache/manifests/list-")).isEqualTo(1);
    assertThat(asked("PUT", "/shop/cache/manifests/k-")).isZero();
    bench.freshStore();
    fresh(STAGES, fromAndTo(cache("shop/api", later), Mode.max));
    assertThat(results()).containsOnly(CacheResult.Hit);
  }

  @Test
  void aMissIsExplainedAgainstTheList() throws Exception {
    build(STAGES, max());
    bench.freshStore();
    bench.file("a.txt", "changed");

    fresh(STAGES, max());

    assertThat(reasons())
        .containsExactlyInAnyOrder(
            "content of a.txt",
            "an earlier step: COPY a.txt /a",
            "content of a",
            "an earlier step: COPY --from=one /a /x");
    // The inputs of the last build are asked for once.
    assertThat(asked("GET", "/shop/cache/blobs/")).isEqualTo(1);
  }

  @Test
  void explainingWritesNothing() throws Exception {
    build(STAGES, max());
    bench.freshStore();
    bench.registry.requests().clear();

    bench.explain(STAGES, max());

    assertThat(results()).hasSize(4).containsOnly(CacheResult.Hit);
    assertThat(bench.registry.requests().all()).hasSize(1);
  }

  @Test
  void twoBuildersThatWriteAtOnceLoseNothing() throws Exception {
    String one = "FROM scratch\nCOPY a.txt /a\nCOPY b.txt /one";
    String two = "FROM scratch\nCOPY a.txt /a\nCOPY b.txt /two";
    try (var threads = Executors.newFixedThreadPool(2);
        var other = new BuildBenchOfTheSameRegistry(bench, folder.resolve("other"))) {
      Future<?> first = threads.submit(() -> bench.build(one, max(), this::push));
      Future<?> second = threads.submit(() -> other.build(two));
      first.get();
      second.get();
    }

    for (String dockerfile : List.of(one, two)) {
      bench.freshStore();
      bench.build(dockerfile, max());
      assertThat(results()).as(dockerfile).containsExactly(CacheResult.Hit, CacheResult.Hit);
    }
  }

  /** Another process on another machine. */
  private record BuildBenchOfTheSameRegistry(BuildBench bench, LocalStore store)
      implements AutoCloseable {
    BuildBenchOfTheSameRegistry(BuildBench bench, Path folder) throws IOException {
      this(bench, LocalStore.open(folder));
    }

    BuildResult build(String dockerfile) throws Exception {
      var cache =
          new RegistryCache(
              bench.client,
              bench.registry.reference("shop/cache"),
              "shop/api",
              Platform.host(),
              Clock.fixed(NOW, ZoneOffset.UTC));
      var steps = new StepCache(store, "", List.of(cache), List.of(new Target(cache, Mode.max)));
      return bench.buildElsewhere(dockerfile, store, steps);
    }

    @Override
    public void close() throws IOException {
      store.close();
    }
  }

  static Stream<Arguments> troubles() {
    return Stream.of(
        Arguments.of("GET", "/shop/cache/manifests/", Fault.status(503)),
        Arguments.of("GET", "/shop/cache/manifests/", Fault.status(403)),
        Arguments.of("GET", "/shop/cache/manifests/", Fault.corruptAnswer()),
        Arguments.of("GET", "/shop/cache/manifests/", Fault.cutAnswer(10)),
        Arguments.of("GET", "/shop/cache/manifests/", Fault.content(MediaTypes.OCI_MANIFEST, "{}")),
        Arguments.of(
            "GET", "/shop/cache/manifests/", Fault.content("text/html", "<html>log in</html>")),
        Arguments.of("GET", "/shop/cache/manifests/list-", Fault.status(404)),
        Arguments.of("*", "/shop/cache/", Fault.status(500)),
        Arguments.of("PUT", "/shop/cache/manifests/", Fault.status(403)),
        Arguments.of("POST", "/shop/cache/blobs/", Fault.status(403)),
        Arguments.of("PUT", "/shop/cache/manifests/list-", Fault.status(500)));
  }

  @ParameterizedTest
  @MethodSource("troubles")
  void troubleWithTheCacheIsNoTroubleOfTheBuild(String method, String path, Fault fault)
      throws Exception {
    Built expected = build(STAGES, StepCache.local(bench.store(), ""));
    bench.freshStore();
    build(STAGES, max());
    bench.freshStore();
    bench.file("b.txt", "c");
    bench.registry.faults().always(method, path, fault);

    Built built = fresh(STAGES, max());

    assertThat(built.files()).containsExactly("0644 0:0 x \"a\"", "0644 0:0 y \"c\"");
    assertThat(built.layers().getFirst()).isEqualTo(expected.layers().getFirst());
    if (!path.endsWith("list-") || method.equals("PUT")) {
      assertThat(warnings()).isNotEmpty().allMatch(text -> text.contains("cache"));
    }
    bench.registry.faults().clear();
    ImageValidator.assertValid(bench.client, image);
  }

  @Test
  void aCacheThatIsDownIsAskedOnceAndToldOnce() throws Exception {
    bench.registry.faults().always("GET", "/shop/cache/", Fault.status(403));
    RegistryCache cache = cache("shop/api", NOW);

    fresh(STAGES, new StepCache(bench.store(), "", List.of(cache), List.of()));

    assertThat(asked("GET", "/shop/cache/")).isEqualTo(1);
    assertThat(warnings()).hasSize(1).first().asString().contains("building without it");
  }

  static Stream<Arguments> lost() {
    return Stream.of(
        Arguments.of("the blob is gone", Fault.status(404), false),
        Arguments.of("the blob is another", Fault.corruptAnswer(), false),
        Arguments.of("the registry fails", Fault.status(500), false),
        Arguments.of("the blob is gone when the image is pushed", Fault.status(404), true));
  }

  /** The cache says it has a layer, but that cannot be had when it is needed. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("lost")
  void aLayerThatIsLostIsMadeAgain(String what, Fault fault, boolean inPush) throws Exception {
    String base = bench.debianLike();
    // The owner's name makes the second step read what the first one made.
    String dockerfile = "FROM " + base + "\nCOPY etc /etc\nCOPY --chown=me a.txt /a\n";
    bench.file("etc/passwd", "me:x:7:8::/:/bin/sh\n");
    Built expected = build(dockerfile, max());
    bench.freshStore();
    bench.registry.faults().always("GET", "/shop/cache/blobs/", fault);
    try (var elsewhere = EmbeddedRegistry.start()) {
      image = inPush ? elsewhere.reference("app:1") : image;
      if (!inPush) {
        bench.file("a.txt", "changed");
      }

      Built built = fresh(dockerfile, max());

      assertThat(warnings()).anyMatch(text -> text.contains("building without it"));
      assertThat(built.layers().get(1)).isEqualTo(expected.layers().get(1));
      assertThat(built.topLayer())
          .containsExactly(inPush ? "0644 7:8 a \"a\"" : "0644 7:8 a \"changed\"");
      bench.registry.faults().clear();
      ImageValidator.assertValid(bench.client, image);
    }
  }

  @Test
  void anEntryThatLiesOfItsContentIsFoundOutWhereItIsUnpacked() throws Exception {
    String base = bench.debianLike();
    String dockerfile = "FROM " + base + "\nCOPY etc /etc\nCOPY --chown=me a.txt /a\n";
    bench.file("etc/passwd", "me:x:7:8::/:/bin/sh\n");
    Built expected = build(dockerfile, max());
    lie(expected.layers().get(1));
    bench.file("a.txt", "changed");
    bench.freshStore();

    Built built = fresh(dockerfile, max());

    assertThat(built.layers().get(1)).isEqualTo(expected.layers().get(1));
    assertThat(built.text("etc/passwd")).startsWith("me:");
    // What lied is written anew.
    bench.freshStore();
    assertThat(fresh(dockerfile, max()).layers()).isEqualTo(built.layers());
    assertThat(warnings()).isEmpty();
  }

  /** Lets all entries of a layer, and the list, name another blob for it. */
  private void lie(Layer layer) throws IOException {
    Reference repository = bench.registry.reference("shop/cache");
    Layer other;
    try (var store = LocalStore.open(folder.resolve("liar"))) {
      other =
          store.layers().write(sink -> BuildBench.text(sink, "etc/evil", "x"), Compression.GZIP);
      byte[] blob = Files.readAllBytes(store.blobPath(other.descriptor().digest()));
      bench.client.pushBlob(repository, other.descriptor(), BlobSource.of(blob), List.of());
    }
    for (String tag : bench.client.listTags(repository)) {
      var manifest =
          Json.read(
              bench.client.fetchManifest(repository.withTag(tag)).bytes(), Manifest.JSON, tag);
      String text =
          new String(
              java.util.Base64.getDecoder().decode(manifest.config().data()),
              StandardCharsets.UTF_8);
      String lying =
          text.replace(
              new String(Json.write(layer.descriptor()), StandardCharsets.UTF_8),
              new String(Json.write(other.descriptor()), StandardCharsets.UTF_8));
      if (lying.equals(text)) {
        continue;
      }
      byte[] bytes = lying.getBytes(StandardCharsets.UTF_8);
      Descriptor config = Descriptor.ofBytes(manifest.config().mediaType(), bytes);
      bench.client.pushBlob(repository, config, BlobSource.of(bytes), List.of());
      bench.client.pushManifest(
          repository.withTag(tag),
          Json.write(
              new Manifest(
                  2,
                  MediaTypes.OCI_MANIFEST,
                  manifest.artifactType(),
                  config,
                  List.of(other.descriptor()),
                  null,
                  null)),
          MediaTypes.OCI_MANIFEST);
    }
  }

  static Stream<Arguments> garbage() {
    return Stream.of(
        Arguments.of("nothing of a cache", "{\"schemaVersion\":2,\"config\":CONFIG,\"layers\":[]}"),
        Arguments.of(
            "an empty entry",
            "{\"schemaVersion\":2,\"artifactType\":\"application/vnd.kiln.cache.v1\",\"config\":CONFIG,\"layers\":[]}"),
        Arguments.of(
            "an empty list",
            "{\"schemaVersion\":2,\"artifactType\":\"application/vnd.kiln.cache.list.v1\",\"config\":CONFIG,\"layers\":[]}"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("garbage")
  void garbageUnderATagIsAMissAndIsReplaced(String what, String manifest) throws Exception {
    String dockerfile = "FROM scratch\nCOPY a.txt /a";
    build(dockerfile, max());
    Reference repository = bench.registry.reference("shop/cache");
    byte[] config = "{\"entries\":[{}]}".getBytes(StandardCharsets.UTF_8);
    Descriptor described = Descriptor.ofBytes("application/json", config);
    bench.client.pushBlob(repository, described, BlobSource.of(config), List.of());
    String bytes =
        manifest.replace("CONFIG", new String(Json.write(described), StandardCharsets.UTF_8));
    for (String tag : bench.client.listTags(repository)) {
      bench.client.pushManifest(
          repository.withTag(tag), bytes.getBytes(StandardCharsets.UTF_8), MediaTypes.OCI_MANIFEST);
    }
    bench.freshStore();

    fresh(dockerfile, max());
    assertThat(results()).containsExactly(CacheResult.Miss);
    assertThat(warnings()).isNotEmpty();

    bench.freshStore();
    fresh(dockerfile, max());
    assertThat(results()).containsExactly(CacheResult.Hit);
    assertThat(warnings()).isEmpty();
    bench.freshStore();
    fresh(dockerfile, fromAndTo(cache("by tag", NOW), Mode.max));
    assertThat(results()).containsExactly(CacheResult.Hit);
  }

  @Test
  void noValueOfAnArgumentReachesTheRegistry() throws Exception {
    bench.request(r -> BuildBench.with(r, Map.of("V", "s3cr3t-value"), true, false));
    build("FROM scratch AS one\nARG V\nCOPY a.txt /a$V\nFROM scratch\nCOPY a.txt /a", max());
    Reference repository = bench.registry.reference("shop/cache");

    for (String tag : bench.client.listTags(repository)) {
      var manifest =
          Json.read(
              bench.client.fetchManifest(repository.withTag(tag)).bytes(), Manifest.JSON, tag);
      for (Descriptor blob :
          Stream.concat(
                  Stream.of(manifest.config()),
                  manifest.layers().stream().filter(l -> l.mediaType().contains("inputs")))
              .toList()) {
        try (var in = bench.client.openBlob(repository, blob)) {
          byte[] bytes = in.readAllBytes();
          boolean packed = blob.mediaType().endsWith("gzip");
          String text =
              packed
                  ? new String(
                      new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(bytes))
                          .readAllBytes(),
                      StandardCharsets.UTF_8)
                  : new String(bytes, StandardCharsets.UTF_8);
          assertThat(text).doesNotContain("s3cr3t").contains("\"");
        }
      }
    }
  }
}
