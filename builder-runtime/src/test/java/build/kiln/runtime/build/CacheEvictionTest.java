package build.kiln.runtime.build;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.CacheEviction;
import build.kiln.runtime.store.CacheEviction.Outcome;
import build.kiln.runtime.store.CacheEviction.Wish;
import build.kiln.runtime.store.CacheMounts;
import build.kiln.runtime.store.CacheUnit;
import build.kiln.runtime.store.CacheUnit.Kind;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreImages;
import build.kiln.runtime.store.StoreUsage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is removed of what builds leave, and what never is. */
class CacheEvictionTest {
  private static final Wish ALL = new Wish(true, null, null, null);
  private static final Wish DANGLING = new Wish(false, null, null, null);

  @TempDir Path folder;
  private BuildBench bench;
  private String base;

  @BeforeEach
  void start() throws Exception {
    bench = new BuildBench(folder);
    base = bench.debianLike();
    bench.file("a", "a".repeat(3000)).file("b", "b".repeat(5000));
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private String dockerfile(String... files) {
    var text = new StringBuilder("FROM " + base + "\n");
    for (String file : files) {
      text.append("COPY ").append(file).append(" /srv/\n");
    }
    return text.toString();
  }

  /** What the last processes used, they used some days ago. */
  private void later(int days) throws IOException {
    FileTime time = FileTime.from(Instant.now().minusSeconds(86_400L * days));
    try (Stream<Path> files = Files.walk(bench.store().root())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!bench.store().root().relativize(file).startsWith("tmp")) {
          Files.setLastModifiedTime(file, time);
        }
      }
    }
  }

  /** As another process would, after all that is done here. */
  private Outcome evict(Wish wish) throws IOException {
    return new CacheEviction(bench.store()).run(wish);
  }

  private static Stream<Kind> kinds(Outcome outcome) {
    return outcome.removed().stream().map(CacheUnit::kind).distinct();
  }

  private List<String> blobs() throws IOException {
    try (Stream<Path> files = Files.list(bench.store().root().resolve("blobs/sha256"))) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  @Test
  void allOfTheCacheGoesAndTheNextBuildDoesItAgain() throws Exception {
    Built first = bench.build(dockerfile("a", "b"));
    later(1);

    Outcome outcome = evict(ALL);

    assertThat(kinds(outcome)).contains(Kind.STEP, Kind.BASE, Kind.RECORD);
    assertThat(outcome.left()).isZero();
    assertThat(outcome.reclaimed()).isPositive();
    for (String folder : List.of("blobs/sha256", "cache", "index")) {
      try (Stream<Path> left = Files.list(bench.store().root().resolve(folder))) {
        assertThat(left).as(folder).isEmpty();
      }
    }
    Built again = bench.build(dockerfile("a", "b"));
    assertThat(again.files()).isEqualTo(first.files());
    assertThat(bench.lastStepCached()).isFalse();
  }

  @Test
  void whatAnImageNeedsStays() throws Exception {
    Built kept = bench.build(dockerfile("a"));
    var name = Reference.parse("kept:1");
    bench.store().tag(name, kept.result().descriptor());
    bench.build(dockerfile("a", "b"));
    later(1);

    Outcome outcome = evict(DANGLING);

    assertThat(outcome.removed()).extracting(CacheUnit::kind).contains(Kind.STEP);
    bench.build(dockerfile("a"));
    assertThat(bench.lastStepCached()).as("its layer is the image's too").isTrue();
    bench.build(dockerfile("a", "b"));
    assertThat(bench.lastStepCached()).isFalse();
    later(1);

    evict(ALL);

    assertThat(bench.store().resolve(name)).isPresent();
    assertThat(bench.store().has(kept.result().manifest().config())).isTrue();
    assertThat(bench.store().has(kept.layers().getLast().descriptor())).isTrue();
    bench.build(dockerfile("a"));
    assertThat(bench.lastStepCached()).as("only the image is left").isFalse();
  }

  @Test
  void theLeastRecentlyUsedGoesFirst() throws Exception {
    bench.build(dockerfile("a"));
    later(3);
    bench.build(dockerfile("b"));
    later(2);
    long before = evict(Wish.keep(Long.MAX_VALUE)).left();
    // Whoever uses it again makes it young.
    bench.restart();
    bench.build(dockerfile("a"));
    assertThat(bench.lastStepCached()).isTrue();
    bench.restart();

    Outcome outcome = evict(Wish.keep(before - 1));

    assertThat(outcome.left()).isLessThan(before);
    while (outcome.removed().stream().noneMatch(unit -> unit.kind() == Kind.STEP)) {
      outcome = evict(Wish.keep(outcome.left() - 1));
    }
    bench.build(dockerfile("a"));
    assertThat(bench.lastStepCached()).isTrue();
    bench.build(dockerfile("b"));
    assertThat(bench.lastStepCached()).isFalse();
  }

  @Test
  void onlyWhatIsOlderThanATime() throws Exception {
    bench.build(dockerfile("a"));
    later(3);
    bench.restart();
    bench.build(dockerfile("b"));
    bench.restart();
    FileTime dayAgo = FileTime.from(Instant.now().minusSeconds(86_400));

    Outcome outcome = evict(new Wish(true, dayAgo, null, null));

    assertThat(outcome.removed())
        .isNotEmpty()
        .allSatisfy(unit -> assertThat(unit.used()).isLessThan(dayAgo));
    bench.build(dockerfile("b"));
    assertThat(bench.lastStepCached()).isTrue();
    bench.build(dockerfile("a"));
    assertThat(bench.lastStepCached()).isFalse();
  }

  @Test
  void untilEnoughOfTheFileSystemIsFree() throws Exception {
    bench.build(dockerfile("a"));
    later(1);

    assertThat(evict(new Wish(true, null, null, 0L)).removed()).isEmpty();
    assertThat(evict(new Wish(true, null, Long.MAX_VALUE, 0L)).removed()).isEmpty();
    assertThat(evict(new Wish(true, null, Long.MAX_VALUE, Long.MAX_VALUE)).left()).isZero();
  }

  @Test
  void whatAnotherOpenStoreHasUsedStays() throws Exception {
    bench.build(dockerfile("a"));
    later(1);
    bench.restart();
    Built built = bench.build(dockerfile("a"));
    List<String> used =
        Stream.of(
                built.result().descriptor(),
                built.result().manifest().config(),
                built.layers().getLast().descriptor())
            .map(blob -> blob.digest().hex())
            .toList();

    try (var other = LocalStore.open(bench.store().root())) {
      Outcome outcome = new CacheEviction(other).run(ALL);
      assertThat(outcome.removed()).noneMatch(unit -> unit.kind() == Kind.STEP);
    }
    assertThat(blobs()).as("the build is open").containsAll(used);
    StoreUsage usage;
    Path root = bench.store().root();
    try (var other = LocalStore.open(root)) {
      usage = StoreUsage.of(other);
    }
    assertThat(usage.cache().active()).isPositive();
    bench.restart();

    assertThat(evict(ALL).left()).isZero();
  }

  /**
   * Builds look up, find, and rely on what they found until their image is delivered, while
   * everything that they have not found yet is removed around them.
   */
  @Test
  @Timeout(120)
  void buildsAndRemovalsDoNotDisturbEachOther() throws Exception {
    Path root = bench.store().root();
    bench.store().close();
    var files = List.of("a", "b", "c", "d");
    for (String file : files) {
      bench.file(file, file.repeat(2000));
    }
    var evicted = new AtomicInteger();
    var cached = new AtomicInteger();
    var done = new AtomicBoolean();
    try (var threads = Executors.newFixedThreadPool(3)) {
      var builders = new ArrayList<Future<?>>();
      for (int i = 0; i < 2; i++) {
        var random = new Random(i);
        builders.add(
            threads.submit(
                () -> {
                  for (int build = 0; build < 60; build++) {
                    var chosen = new ArrayList<>(files);
                    Collections.shuffle(chosen, random);
                    String text = dockerfile(chosen.subList(0, 3).toArray(String[]::new));
                    try (var store = LocalStore.open(root)) {
                      BuildResult result =
                          bench.buildElsewhere(text, store, StepCache.local(store, "x"));
                      cached.addAndGet(result.cached());
                      // Of the base only what was looked at is here.
                      for (Descriptor layer : result.layers().subList(1, 4)) {
                        assertThat(Digest.ofBytes(store.open(layer.digest()).readAllBytes()))
                            .isEqualTo(layer.digest());
                      }
                      assertThat(store.read(result.descriptor())).isNotEmpty();
                    }
                  }
                  return null;
                }));
      }
      Future<?> evictor =
          threads.submit(
              () -> {
                var random = new Random(7);
                while (!done.get()) {
                  try (var store = LocalStore.open(root)) {
                    Wish wish = random.nextBoolean() ? ALL : Wish.keep(random.nextInt(10_000));
                    evicted.addAndGet(new CacheEviction(store).run(wish).removed().size());
                  }
                }
                return null;
              });
      try {
        for (Future<?> builder : builders) {
          builder.get();
        }
      } finally {
        done.set(true);
      }
      evictor.get();
    }
    assertThat(evicted).hasPositiveValue();
    assertThat(cached).hasPositiveValue();
    bench.freshStore();
  }

  @Test
  void imagesGoWithWhatOnlyTheyNeed() throws Exception {
    var store = bench.store();
    Built old = bench.build(dockerfile("a"));
    store.tag(Reference.parse("app:1"), old.result().descriptor());
    Built young = bench.build(dockerfile("a", "b"));
    store.tag(Reference.parse("app:1"), young.result().descriptor());
    store.tag(Reference.parse("app:2"), young.result().descriptor());
    later(1);
    var images = new StoreImages(store);
    assertThat(images.all()).hasSize(2);

    StoreImages.Removed removed = images.remove(StoreImages.Image::isDangling);

    assertThat(removed.images()).hasSize(1);
    assertThat(removed.reclaimed())
        .isEqualTo(old.result().descriptor().size() + old.result().manifest().config().size());
    assertThat(images.all())
        .singleElement()
        .satisfies(image -> assertThat(image.names()).hasSize(2))
        .satisfies(
            image ->
                assertThat(Objects.requireNonNull(image.config()).rootfs().diffIds()).hasSize(3));
    assertThat(store.has(young.layers().getLast().descriptor())).isTrue();
    StoreUsage.Row usage = StoreUsage.of(store).images();
    assertThat(usage.total()).isEqualTo(1);
    later(1);

    images.remove(image -> true);

    assertThat(store.list()).isEmpty();
    assertThat(images.all()).isEmpty();
    assertThat(StoreUsage.of(store).images().size()).isZero();
    bench.restart();
    bench.build(dockerfile("a", "b"));
    assertThat(bench.lastStepCached()).as("layers of steps stay as a cache").isTrue();
  }

  @Test
  void cacheMountsGoUnlessAStepHasThem() throws Exception {
    var wanted = new CacheMounts.Wanted("k", "/var/cache/m2", CacheMounts.Use.SHARED);
    CacheMounts.Start start = (parent, name) -> parent.makeDirectory(name, 0755);
    try (var lease = bench.store().cacheMounts().open(wanted, start, () -> {})) {
      Path deep = Files.createDirectories(lease.content().resolve("a/b"));
      Files.writeString(deep.resolve("f"), "12345");
      Files.createLink(deep.resolve("g"), deep.resolve("f"));
      Files.createSymbolicLink(deep.resolve("l"), Path.of("/etc"));
      later(1);
      assertThat(StoreUsage.of(bench.store()).mounts()).isEqualTo(new StoreUsage.Row(1, 1, 5, 0));

      assertThat(evict(ALL).removed()).isEmpty();
      assertThat(deep.resolve("f")).hasContent("12345");
    }
    assertThat(StoreUsage.of(bench.store()).mounts()).isEqualTo(new StoreUsage.Row(1, 0, 5, 5));

    assertThat(evict(DANGLING).removed())
        .singleElement()
        .satisfies(
            unit -> {
              assertThat(unit.kind()).isEqualTo(Kind.MOUNT);
              assertThat(unit.id()).isEqualTo("/var/cache/m2");
              assertThat(unit.size()).isEqualTo(5);
            });

    try (Stream<Path> left = Files.walk(bench.store().root().resolve("cache-mounts/k"))) {
      assertThat(left.skip(1)).allMatch(file -> file.endsWith("id") || file.endsWith("0.lock"));
    }
    assertThat(StoreUsage.of(bench.store()).mounts()).isEqualTo(new StoreUsage.Row(0, 0, 0, 0));
    try (var lease = bench.store().cacheMounts().open(wanted, start, () -> {})) {
      assertThat(lease.content()).isEmptyDirectory();
    }
  }

  @Test
  void whatTheDeadLeftOfCacheMountsGoesToo() throws Exception {
    var wanted = new CacheMounts.Wanted("k", "id", CacheMounts.Use.LOCKED);
    Path content;
    try (var lease =
        bench
            .store()
            .cacheMounts()
            .open(wanted, (at, name) -> at.makeDirectory(name, 0), () -> {})) {
      content = lease.content();
    }
    Files.move(content, content.resolveSibling("0~"));
    Files.writeString(content.resolveSibling("0~").resolve("f"), "1234");
    Files.createDirectory(content.resolveSibling("0~old"));
    Files.writeString(content.resolveSibling("0~old").resolve("f"), "123");
    later(1);

    assertThat(evict(ALL).removed()).extracting(CacheUnit::size).containsExactly(7L);

    assertThat(evict(ALL).removed()).isEmpty();
    try (Stream<Path> left = Files.list(content.getParent())) {
      assertThat(left.filter(Files::isDirectory)).isEmpty();
    }
  }

  /** An artifact, such as a chart: its configuration tells of no layers. */
  @Test
  void whatIsNoImageIsKeptToo() throws Exception {
    var store = bench.store();
    Descriptor config = store.put("application/vnd.example.config+json", "{}".getBytes(UTF_8));
    Descriptor layer = store.put("application/vnd.example.content", "content".getBytes(UTF_8));
    store.tag(
        Reference.parse("chart:1"),
        store.put(MediaTypes.OCI_MANIFEST, Json.write(Manifest.oci(config, List.of(layer), null))));
    later(1);

    assertThat(evict(ALL).removed()).isEmpty();
    assertThat(StoreUsage.of(store).images().total()).isEqualTo(1);
    assertThat(blobs()).hasSize(3);
  }

  /** On a full disk there is none. */
  @Test
  void makingRoomNeedsNone() throws Exception {
    bench.build(dockerfile("a"));
    var wanted = new CacheMounts.Wanted("k", "id", CacheMounts.Use.LOCKED);
    bench
        .store()
        .cacheMounts()
        .open(wanted, (at, name) -> at.makeDirectory(name, 0), () -> {})
        .close();
    later(1);
    bench.store().close();
    Path root = bench.store().root();
    try (var store = LocalStore.open(root)) {
      assertThat(kinds(new CacheEviction(store).run(ALL))).contains(Kind.STEP, Kind.MOUNT);
      try (Stream<Path> made = Files.list(root.resolve("tmp"))) {
        assertThat(made).noneMatch(Files::isDirectory);
      }
    }
    bench.freshStore();
  }

  @Test
  void sharedBlobsCountOnce() throws Exception {
    var store = bench.store();
    Built one = bench.build(dockerfile("a"));
    Built two = bench.build(dockerfile("a", "b"));
    store.tag(Reference.parse("one"), one.result().descriptor());
    store.tag(Reference.parse("two"), two.result().descriptor());
    bench.restart();

    StoreUsage usage = StoreUsage.of(bench.store());

    long expected =
        Stream.of(one, two)
            .flatMap(
                built ->
                    Stream.concat(
                        Stream.of(built.result().descriptor(), built.result().manifest().config()),
                        built.result().layers().stream()))
            .distinct()
            .filter(blob -> Files.exists(bench.store().blobPath(blob.digest())))
            .mapToLong(blob -> blob.size())
            .sum();
    assertThat(usage.images().size()).isEqualTo(expected);
    assertThat(usage.images().reclaimable()).isEqualTo(expected);
    assertThat(usage.images().active()).isZero();
    assertThat(usage.cache().total()).isPositive();
    assertThat(usage.mounts().total()).isZero();
  }
}
