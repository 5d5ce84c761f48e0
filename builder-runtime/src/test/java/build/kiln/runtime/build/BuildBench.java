package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.layer.LayerWriter;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.RetryPolicy;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.rootfs.ImageTree;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Builds in tests: a store, an embedded registry, a context folder, and images to look into. */
final class BuildBench implements AutoCloseable {
  static final Instant FILE_TIME = Instant.parse("2024-05-06T07:08:09Z");

  final EmbeddedRegistry registry;
  final RegistryClient client;
  final List<BuildEvent> events = new ArrayList<>();
  private final Path folder;
  private final Path context;
  private LocalStore store;
  private BuildProgress progress = new BuildProgress(events::add);
  private Clock clock = Clock.fixed(Instant.parse("2026-01-02T03:04:05Z"), ZoneOffset.UTC);
  private SandboxSource sandboxes =
      () -> {
        throw new AssertionError("no RUN in this test");
      };
  private Predicate<Reference> allowedBases = reference -> true;
  private UnaryOperator<BuildRequest> change = UnaryOperator.identity();

  BuildBench(Path folder) throws IOException {
    this.folder = folder;
    this.context = Files.createDirectories(folder.resolve("context"));
    this.store = LocalStore.open(folder.resolve("store"));
    this.registry = EmbeddedRegistry.start();
    this.client =
        new RegistryClient(
            RegistryConfig.builder().retry(RetryPolicy.NONE).build(), Credentials.anonymous());
  }

  BuildBench sandboxes(SandboxSource source) {
    sandboxes = source;
    return this;
  }

  BuildBench allowedBases(Predicate<Reference> allowed) {
    allowedBases = allowed;
    return this;
  }

  /** Changes every request from now on. */
  BuildBench request(UnaryOperator<BuildRequest> newChange) {
    change = newChange;
    return this;
  }

  /** The same request with other build arguments, and with or without cache and pull. */
  static BuildRequest with(BuildRequest r, Map<String, String> args, boolean cache, boolean pull) {
    return with(r, args, r.platform(), cache, pull, r.annotations(), r.contexts());
  }

  /** The same request for another platform. */
  static BuildRequest platform(BuildRequest r, String platform) {
    Platform other = Platform.parse(platform);
    return with(r, r.buildArgs(), other, r.cache(), r.pull(), r.annotations(), r.contexts());
  }

  /** The same request with named contexts. */
  static BuildRequest named(BuildRequest r, BuildContexts contexts) {
    return with(r, r.buildArgs(), r.platform(), r.cache(), r.pull(), r.annotations(), contexts);
  }

  /** The same request with annotations. */
  static BuildRequest annotated(BuildRequest r, Map<String, String> annotations) {
    return with(r, r.buildArgs(), r.platform(), r.cache(), r.pull(), annotations, r.contexts());
  }

  private static BuildRequest with(
      BuildRequest r,
      Map<String, String> args,
      Platform platform,
      boolean cache,
      boolean pull,
      Map<String, String> annotations,
      BuildContexts contexts) {
    return new BuildRequest(
        r.dockerfile(),
        r.dockerfilePath(),
        r.ignoreFile(),
        r.context(),
        r.target(),
        args,
        r.proxies(),
        platform,
        cache,
        pull,
        r.compression(),
        r.labels(),
        annotations,
        r.secrets(),
        contexts);
  }

  /** Forgets everything that earlier builds left. */
  void freshStore() throws IOException {
    store.close();
    store = LocalStore.open(Files.createTempDirectory(folder, "store"));
  }

  /** As if another process used the same store from now on. */
  void restart() throws IOException {
    Path root = store.root();
    store.close();
    store = LocalStore.open(root);
  }

  /** From now on the store is there, and what is unfinished in the bench's folder. */
  void storeIn(Path elsewhere) throws IOException {
    store.close();
    store = LocalStore.open(elsewhere, folder.resolve("work"), LayerWriter.onAllCores());
  }

  LocalStore store() {
    return store;
  }

  Path contextFolder() {
    return context;
  }

  /** Writes a file of the context, dated {@link #FILE_TIME}, as are its folders. */
  BuildBench file(String path, String content) throws IOException {
    Path file = context.resolve(path);
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    Files.writeString(file, content);
    for (Path at = file; at != null && at.startsWith(context); at = at.getParent()) {
      Files.setLastModifiedTime(at, FileTime.from(FILE_TIME));
    }
    return this;
  }

  /** Pushes a base image of one layer and gives its name. */
  String base(String name, LayerSource files, ContainerConfig config) throws IOException {
    push(registry.reference(name), Platform.host(), files, config);
    return registry.reference(name).toString();
  }

  /** Pushes a base image for several platforms, of one layer each, and gives its name. */
  String index(String name, Map<Platform, LayerSource> images, ContainerConfig config)
      throws IOException {
    Reference index = registry.reference(name);
    var manifests = new ArrayList<Descriptor>();
    for (Map.Entry<Platform, LayerSource> image : images.entrySet()) {
      Reference own = registry.reference(name + "-" + image.getKey().toString().replace('/', '-'));
      manifests.add(
          push(own, image.getKey(), image.getValue(), config).withPlatform(image.getKey()));
    }
    client.pushManifest(
        index,
        Json.write(new Index(2, MediaTypes.OCI_INDEX, null, manifests, null, null)),
        MediaTypes.OCI_INDEX);
    return index.toString();
  }

  private Descriptor push(
      Reference reference, Platform platform, LayerSource files, ContainerConfig config)
      throws IOException {
    try (var other = LocalStore.open(Files.createTempDirectory(folder, "base"))) {
      Layer layer = other.layers().write(files, Compression.GZIP);
      byte[] configuration =
          Json.write(
              new ImageConfig(
                  "2023-01-01T00:00:00Z",
                  null,
                  platform.architecture(),
                  platform.variant(),
                  platform.os(),
                  null,
                  null,
                  config,
                  new ImageConfig.RootFs(List.of(layer.diffId())),
                  List.of(new ImageConfig.History(null, "base", null, null, null))));
      Descriptor described = Descriptor.ofBytes(MediaTypes.OCI_CONFIG, configuration);
      client.pushBlob(
          reference, layer.descriptor(), () -> other.open(layer.descriptor().digest()), List.of());
      client.pushBlob(reference, described, BlobSource.of(configuration), List.of());
      byte[] manifest = Json.write(Manifest.oci(described, List.of(layer.descriptor()), null));
      client.pushManifest(reference, manifest, MediaTypes.OCI_MANIFEST);
      return Descriptor.ofBytes(MediaTypes.OCI_MANIFEST, manifest);
    }
  }

  /** A base like a small distribution: merged /usr, accounts, odd modes. */
  String debianLike() throws IOException {
    return base(
        "debian:1",
        sink -> {
          sink.add(EntryMeta.symlink("bin", "usr/bin", 0, 0, 1));
          sink.add(EntryMeta.directory("etc", 0755, 0, 0, 1));
          text(sink, "etc/group", "root:x:0:\nstaff:x:50:app\n");
          text(
              sink,
              "etc/passwd",
              "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
          sink.add(EntryMeta.symlink("etc/link-to-file", "/srv/target", 0, 0, 1));
          sink.add(EntryMeta.directory("srv", 0750, 7, 8, 1));
          text(sink, "srv/target", "old");
          sink.add(EntryMeta.directory("tmp", 01777, 0, 0, 1));
          sink.add(EntryMeta.directory("usr", 0755, 0, 0, 1));
          sink.add(EntryMeta.directory("usr/bin", 0711, 0, 0, 1));
          text(sink, "usr/bin/tool", "tool");
        },
        ContainerConfig.empty());
  }

  static void text(LayerSource.Sink sink, String path, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    sink.add(EntryMeta.file(path, 0644, 0, 0, 1, bytes.length), new ByteArrayInputStream(bytes));
  }

  Built build(String dockerfile) throws Exception {
    try (BuildContext opened = LocalContext.open(context)) {
      return build(dockerfile, opened);
    }
  }

  Built build(String dockerfile, BuildContext files) throws Exception {
    return build(
        request(dockerfile, files),
        StepCache.local(store, ""),
        builder -> builder,
        result -> List.of());
  }

  Built build(String dockerfile, StepCache cache) throws Exception {
    return build(dockerfile, cache, result -> List.of());
  }

  Built build(String dockerfile, StepCache cache, Builder.Delivery delivery) throws Exception {
    return build(dockerfile, cache, builder -> builder, delivery);
  }

  Built build(
      String dockerfile, StepCache cache, UnaryOperator<Builder> setUp, Builder.Delivery delivery)
      throws Exception {
    try (BuildContext opened = LocalContext.open(context)) {
      return build(request(dockerfile, opened), cache, setUp, delivery);
    }
  }

  /** Hears of the build that goes on. */
  BuildProgress progress() {
    return progress;
  }

  /** Builds as another process on another machine would, with the same context and registry. */
  BuildResult buildElsewhere(String dockerfile, LocalStore other, StepCache cache)
      throws Exception {
    var elsewhere =
        new BuildEnvironment(
            other, client, GitAccess.anonymous(), sandboxes, folder.resolve("s2"), allowedBases);
    try (BuildContext opened = LocalContext.open(context)) {
      return new Builder(elsewhere, clock, cache)
          .build(request(dockerfile, opened), new BuildProgress(event -> {}));
    }
  }

  /** Looks every step up in a cache; the events tell. */
  void explain(String dockerfile, StepCache cache) throws Exception {
    events.clear();
    try (BuildContext opened = LocalContext.open(context)) {
      new Builder(environment(), clock, cache)
          .explain(request(dockerfile, opened), new BuildProgress(events::add));
    }
  }

  /** Done between two builds that are compared. */
  @FunctionalInterface
  interface Between {
    void run() throws IOException;
  }

  /** Builds twice; the second time in another folder, with one thread, a day later. */
  Optional<ImageDifference> difference(String dockerfile, BuildContext files, Between between)
      throws Exception {
    Built first = build(dockerfile, files);
    try (var again = LocalStore.open(store.root(), new LayerWriter(1))) {
      var elsewhere =
          new BuildEnvironment(
              again, client, GitAccess.anonymous(), sandboxes, folder.resolve("e"), allowedBases);
      return new ReproducibilityCheck(
              elsewhere,
              clock,
              pause -> {
                try {
                  between.run();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              })
          .difference(request(dockerfile, files), first.result(), progress);
    }
  }

  /** What a build would do. */
  BuildGraph graph(String dockerfile, boolean whole) throws Exception {
    events.clear();
    try (BuildContext opened = LocalContext.open(context)) {
      return new Builder(environment())
          .graph(request(dockerfile, opened), new BuildProgress(events::add), whole);
    }
  }

  private BuildRequest request(String dockerfile, BuildContext files) {
    return change.apply(
        new BuildRequest(
            SourceFile.of("Dockerfile", dockerfile),
            null,
            files,
            null,
            Map.of(),
            Map.of(),
            Platform.host(),
            true,
            false,
            Compression.GZIP,
            Map.of(),
            Map.of()));
  }

  private BuildEnvironment environment() {
    return new BuildEnvironment(
        store, client, GitAccess.anonymous(), sandboxes, folder.resolve("s"), allowedBases);
  }

  private Built build(
      BuildRequest request,
      StepCache cache,
      UnaryOperator<Builder> setUp,
      Builder.Delivery delivery)
      throws Exception {
    events.clear();
    clock = Clock.offset(clock, Duration.ofSeconds(10));
    progress = new BuildProgress(events::add);
    BuildResult result =
        setUp.apply(new Builder(environment(), clock, cache)).build(request, progress, delivery);
    return new Built(store, result);
  }

  /** Whether the cache had what the last step of the last build makes. */
  boolean lastStepCached() {
    return events.stream()
            .filter(BuildEvent.Finished.class::isInstance)
            .map(event -> ((BuildEvent.Finished) event).cache())
            .filter(Objects::nonNull)
            .reduce((first, second) -> second)
            .orElseThrow()
        == CacheResult.Hit;
  }

  @Override
  public void close() throws IOException {
    client.close();
    registry.close();
    store.close();
  }

  /** An image that was built. */
  record Built(LocalStore store, BuildResult result) {
    ImageConfig config() {
      return result.config();
    }

    ContainerConfig container() {
      return Optional.ofNullable(result.config().config()).orElseThrow();
    }

    String digest() {
      return result.descriptor().digest().toString();
    }

    List<Layer> layers() {
      var layers = new ArrayList<Layer>();
      for (int i = 0; i < result.layers().size(); i++) {
        layers.add(new Layer(result.layers().get(i), config().rootfs().diffIds().get(i)));
      }
      return layers;
    }

    /** What the topmost layer holds, an entry a line. */
    List<String> topLayer() throws IOException {
      var lines = new ArrayList<String>();
      ImageTree tree = ImageTree.of(store.layers(), List.of(layers().getLast()));
      collect(tree, "", lines);
      return lines;
    }

    /** Everything in the image, an entry a line. */
    List<String> files() throws IOException {
      var lines = new ArrayList<String>();
      collect(ImageTree.of(store.layers(), layers()), "", lines);
      return lines;
    }

    @Nullable String text(String path) throws IOException {
      return ImageTree.of(store.layers(), layers())
          .readSmall(path, 1 << 20)
          .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
          .orElse(null);
    }

    private static void collect(ImageTree tree, String directory, List<String> lines)
        throws IOException {
      for (EntryMeta entry : tree.children(directory)) {
        lines.add(line(tree, entry));
        if (entry.isDirectory()) {
          collect(tree, entry.path(), lines);
        }
      }
    }

    private static String line(ImageTree tree, EntryMeta entry) throws IOException {
      String rest = "";
      if (entry.kind() == Kind.FILE) {
        try (InputStream in = tree.open(entry)) {
          rest = " \"" + new String(in.readNBytes(60), StandardCharsets.UTF_8).strip() + "\"";
        }
      } else if (entry.kind() == Kind.SYMLINK) {
        rest = " -> " + entry.linkTarget();
      }
      String slash = entry.isDirectory() ? "/" : "";
      return "%04o %d:%d %s%s%s"
          .formatted(entry.mode(), entry.uid(), entry.gid(), entry.path(), slash, rest);
    }
  }
}
