package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildGraph;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.BuildRequest;
import build.kiln.runtime.build.BuildResult;
import build.kiln.runtime.build.Builder;
import build.kiln.runtime.build.ImageDifference;
import build.kiln.runtime.build.ImagePusher;
import build.kiln.runtime.build.ReproducibilityCheck;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cli.progress.Display;
import build.kiln.runtime.cli.progress.ProgressMode;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RetryPolicy;
import build.kiln.runtime.registry.Sleeper;
import build.kiln.runtime.store.DockerArchive;
import build.kiln.runtime.store.OciArchive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln build}: as {@code docker build}, without a daemon. */
@Command(
    name = "build",
    description = "Builds an image from a Dockerfile and a folder.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
class BuildCommand implements Callable<Integer> {
  /** A picture is not worth waiting for a registry that is not there. */
  private static final RetryPolicy LOOK_ONCE =
      new RetryPolicy(2, Duration.ofMillis(200), Duration.ofSeconds(1));

  @Parameters(
      paramLabel = "CONTEXT",
      description =
          "What COPY and ADD read from: a folder, a Git repository, or an archive by URL or standard input (-).")
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private String context;

  @Option(
      names = {"-t", "--tag"},
      paramLabel = "NAME[:TAG]",
      description = "A name for the image; may be given several times.")
  private List<String> tags = new ArrayList<>();

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "The Dockerfile; - is standard input. Default: CONTEXT/Dockerfile.")
  private @Nullable String file;

  @Option(
      names = "--build-arg",
      paramLabel = "NAME[=VALUE]",
      description = "A value for ARG; without a value, that of the environment.")
  private List<String> buildArgs = new ArrayList<>();

  @Option(
      names = "--secret",
      paramLabel = "id=ID[,src=FILE|,env=NAME]",
      description =
          "What RUN --mount=type=secret may ask for: a file, or a variable of the environment. Without either, the variable named ID, else the file.")
  private List<String> secrets = new ArrayList<>();

  @Option(
      names = "--build-context",
      paramLabel = "NAME=VALUE",
      description =
          "What FROM, COPY --from and RUN --mount=from mean by a name: docker-image://REFERENCE, or files as CONTEXT has them.")
  private List<String> buildContexts = new ArrayList<>();

  @Option(
      names = "--ssh",
      paramLabel = "ID[=SOCKET|KEY[,KEY]...]",
      description =
          "What RUN --mount=type=ssh may use: an SSH agent's socket, or private keys. Without either, the user's own agent.")
  private List<String> ssh = new ArrayList<>();

  @Option(names = "--target", paramLabel = "STAGE", description = "The stage to build.")
  private @Nullable String target;

  @Option(names = "--no-cache", description = "Do every step, whatever earlier builds left.")
  private boolean noCache;

  @Option(
      names = "--verify-reproducible",
      description =
          "Build twice, the second time without cache, and fail if the images differ; nothing is tagged, written or pushed before.")
  private boolean verifyReproducible;

  @Mixin private CacheOptions caches = new CacheOptions();

  @Option(names = "--pull", description = "Ask registries for bases that the local store has.")
  private boolean pull;

  @Option(names = "--push", description = "Push the image under its names.")
  private boolean push;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "TYPE",
      description =
          "type=oci,dest=FILE or type=docker,dest=FILE writes an archive (- is standard output); type=registry pushes; type=image keeps it in the local store.")
  private List<String> outputs = new ArrayList<>();

  @Option(names = "--platform", paramLabel = "OS/ARCH", description = "The platform to build for.")
  private @Nullable String platform;

  @Option(names = "--label", paramLabel = "NAME=VALUE", description = "A label for the image.")
  private List<String> labels = new ArrayList<>();

  @Option(
      names = "--annotation",
      paramLabel = "NAME=VALUE",
      description = "An annotation for the manifest.")
  private List<String> annotations = new ArrayList<>();

  @Option(
      names = "--compression",
      paramLabel = "TYPE[:LEVEL]",
      description = "gzip or zstd, for new layers. Default: gzip.")
  private String compression = "gzip";

  @Option(
      names = "--isolation",
      paramLabel = "TIER",
      description = "The weakest isolation of RUN to accept: ${COMPLETION-CANDIDATES}.")
  private Isolation isolation = Isolation.Auto;

  @Option(
      names = "--progress",
      paramLabel = "HOW",
      description = "${COMPLETION-CANDIDATES}. Default: auto.")
  private ProgressMode progress = ProgressMode.auto;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print the image's digest only.")
  private boolean quiet;

  @Option(names = "--iidfile", paramLabel = "FILE", description = "Write the image's digest there.")
  private @Nullable Path idFile;

  @Option(
      names = "--metadata-file",
      paramLabel = "FILE",
      description = "Write what is known of the result there, as JSON.")
  private @Nullable Path metadataFile;

  @Option(
      names = "--insecure-registry",
      paramLabel = "HOST[:PORT]",
      description = "A registry that speaks HTTP, or TLS that is not verified.")
  private List<String> insecure = new ArrayList<>();

  @Option(names = "--store", paramLabel = "DIR", description = "The local store's folder.")
  private @Nullable Path storeFolder;

  @Option(
      names = {"--call", "--print"},
      paramLabel = "METHOD[,format=HOW]",
      description =
          "graph shows what the build would do and builds nothing, as format=text, json or dot; build is the default.")
  private @Nullable String call;

  @Override
  public Integer call() throws CommandFailure {
    Desk desk = Desk.ofThisProcess();
    List<Reference> names = names();
    List<OutputSpec> specs = outputSpecs(names);
    CacheOptions.Chosen chosen = caches.parse();
    CallSpec called = call == null ? CallSpec.BUILD : CallSpec.parse(call);
    var setup =
        new Engine.Setup(
            storeFolder == null ? desk.store() : storeFolder,
            null,
            called.method() == CallSpec.Method.graph
                ? desk.registry(insecure, LOOK_ONCE)
                : desk.registry(insecure),
            desk.credentials(),
            desk.git(),
            isolation,
            true,
            reference -> true);
    try (Engine engine = Engine.open(setup);
        ContextOptions named = ContextOptions.open(buildContexts, engine);
        BuildFiles files = BuildFiles.open(context, file, engine)) {
      BuildRequest request = request(desk, files, named);
      if (called.method() == CallSpec.Method.graph) {
        return graph(engine, request, specs, called.format());
      }
      StepCache cache = chosen.open(engine, scope(), name(names), request.platform());
      return with(engine, request, cache, names, specs);
    } catch (BuildException e) {
      throw new CommandFailure(ExitCodes.of(e.reason(), isolation), BuildFailures.text(e), e);
    } catch (IOException e) {
      throw CommandFailure.infrastructure(e);
    } catch (InterruptedException e) {
      throw new CommandFailure(ExitCode.INFRASTRUCTURE, "the build was ended", e);
    }
  }

  /** Does what the command is for. */
  Integer with(
      Engine engine,
      BuildRequest request,
      StepCache cache,
      List<Reference> names,
      List<OutputSpec> specs)
      throws CommandFailure, IOException, BuildException, InterruptedException {
    ProgressMode mode = quiet ? ProgressMode.quiet : progress;
    BuildResult result;
    try (Display display = mode.open(System.err, Desk.ofThisProcess().environment());
        var pusher = new ImagePusher(engine.store(), engine.registry())) {
      var buildProgress = new BuildProgress(display);
      var builder = new Builder(engine.environment(), Clock.systemUTC(), cache);
      if (!verifyReproducible
          && specs.stream().anyMatch(spec -> spec.type() == OutputSpec.Type.REGISTRY)) {
        builder.sending(pusher, names);
      }
      result =
          builder.build(
              request,
              buildProgress,
              built -> {
                if (verifyReproducible) {
                  verify(engine, request, built, buildProgress);
                }
                return deliver(engine, pusher, built, names, specs, buildProgress);
              });
    }
    report(result, names, specs);
    return ExitCode.OK.code();
  }

  private static void verify(
      Engine engine, BuildRequest request, BuildResult built, BuildProgress progress)
      throws BuildException, InterruptedException, IOException {
    Optional<ImageDifference> difference =
        new ReproducibilityCheck(engine.elsewhere(), Clock.systemUTC(), Sleeper.system())
            .difference(request, built, progress);
    if (difference.isPresent()) {
      throw new BuildException(
          FailureReason.StepFailed,
          "the image is not reproducible: %s\n  nothing was tagged, written or pushed"
              .formatted(difference.get().text()));
    }
  }

  /** Shows what would be done. */
  private Integer graph(
      Engine engine, BuildRequest request, List<OutputSpec> specs, CallSpec.Format format)
      throws BuildException, InterruptedException {
    boolean whole =
        specs.stream()
            .anyMatch(s -> s.type() == OutputSpec.Type.OCI || s.type() == OutputSpec.Type.DOCKER);
    BuildGraph graph;
    try (Display display =
        ProgressMode.quiet.open(System.err, Desk.ofThisProcess().environment())) {
      graph = new Builder(engine.environment()).graph(request, new BuildProgress(display), whole);
    }
    switch (format) {
      case text -> GraphText.print(graph, System.out);
      case json -> {
        System.out.writeBytes(GraphJson.write(graph));
        System.out.println();
      }
      case dot -> System.out.print(GraphDot.write(graph));
    }
    return ExitCode.OK.code();
  }

  /** What is built, for the local store: this Dockerfile for this folder. */
  private String scope() {
    Path folder = Path.of(context).toAbsolutePath().normalize();
    return folder + "\0" + (file == null ? "" : file);
  }

  /** What is built, for caches that others use too: the image's name, and the stage. */
  private String name(List<Reference> names) {
    String image = names.isEmpty() ? "default" : names.getFirst().name();
    return target == null ? image : image + "#" + target;
  }

  private List<Reference> names() throws CommandFailure {
    var names = new ArrayList<Reference>();
    for (String tag : tags) {
      try {
        Reference name = Reference.parse(tag).withDefaultTag();
        if (name.digest() != null) {
          throw CommandFailure.usage("-t " + tag + ": a name to give has no digest");
        }
        names.add(name);
      } catch (OciException e) {
        throw CommandFailure.usage("-t " + tag + ": " + e.getMessage());
      }
    }
    return names;
  }

  /** What becomes of the result. */
  List<OutputSpec> outputSpecs(List<Reference> names) throws CommandFailure {
    var specs = new ArrayList<OutputSpec>();
    for (String output : outputs) {
      specs.add(OutputSpec.parse(output));
    }
    if (push) {
      specs.add(new OutputSpec(OutputSpec.Type.REGISTRY, null));
    }
    if (specs.isEmpty()) {
      specs.add(new OutputSpec(OutputSpec.Type.IMAGE, null));
    }
    if (names.isEmpty() && specs.stream().anyMatch(s -> s.type() == OutputSpec.Type.REGISTRY)) {
      throw CommandFailure.usage("to push an image it needs a name: -t REGISTRY/NAME:TAG");
    }
    return specs;
  }

  private BuildRequest request(Desk desk, BuildFiles files, ContextOptions named)
      throws CommandFailure {
    return new BuildRequest(
        files.dockerfile(),
        files.dockerfilePath(),
        files.ignoreFile(),
        files.context(),
        target,
        Assignments.parse("--build-arg", buildArgs, desk.environment()),
        desk.proxies(),
        parsePlatform(),
        !noCache,
        pull,
        parseCompression(),
        Assignments.parse("--label", labels),
        Assignments.parse("--annotation", annotations),
        SecretOptions.parse(secrets, desk.environment())
            .withAgents(SshOptions.parse(ssh, desk.environment())),
        named.contexts());
  }

  private Platform parsePlatform() throws CommandFailure {
    try {
      return platform == null ? Platform.host() : Platform.parse(platform);
    } catch (OciException e) {
      throw CommandFailure.usage("--platform: " + e.getMessage());
    }
  }

  private Compression parseCompression() throws CommandFailure {
    String[] parts = compression.split(":", 2);
    try {
      int level = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
      return switch (parts[0]) {
        case "gzip" -> new Compression(Compression.Type.GZIP, level);
        case "zstd" -> new Compression(Compression.Type.ZSTD, level);
        default -> throw new IllegalArgumentException("unknown type \"" + parts[0] + "\"");
      };
    } catch (IllegalArgumentException e) {
      throw CommandFailure.usage(
          "--compression %s: %s; want gzip or zstd, and a level as in zstd:9"
              .formatted(compression, e.getMessage()));
    }
  }

  private static List<Reference> deliver(
      Engine engine,
      ImagePusher pusher,
      BuildResult result,
      List<Reference> names,
      List<OutputSpec> specs,
      BuildProgress progress)
      throws IOException, BuildException, InterruptedException {
    var pushed = new ArrayList<Reference>();
    for (OutputSpec spec : specs) {
      switch (spec.type()) {
        case IMAGE -> {
          ImageOrigins.keep(engine.store(), result.descriptor().digest(), result.origins());
          engine.store().keepImage(result.descriptor());
          for (Reference name : names) {
            engine.store().tag(name, result.descriptor());
          }
        }
        case REGISTRY -> {
          // A push goes to one repository.
          Map<String, List<Reference>> repositories =
              names.stream()
                  .collect(
                      Collectors.groupingBy(
                          Reference::name, LinkedHashMap::new, Collectors.toList()));
          for (List<Reference> ofOne : repositories.values()) {
            pusher.push(result, ofOne, progress);
            pushed.add(ofOne.getFirst());
          }
        }
        case OCI, DOCKER -> {
          pusher.completeLocally(result, progress);
          write(engine, result, names, spec);
        }
      }
    }
    return pushed;
  }

  private static void write(
      Engine engine, BuildResult result, List<Reference> names, OutputSpec spec)
      throws IOException {
    boolean oci = spec.type() == OutputSpec.Type.OCI;
    Path dest = spec.dest();
    if (spec.isStandardOutput() || dest == null) {
      if (oci) {
        OciArchive.write(engine.store(), names, result.descriptor(), System.out);
      } else {
        DockerArchive.write(engine.store(), names, result.descriptor(), System.out);
      }
      System.out.flush();
    } else if (oci) {
      OciArchive.write(engine.store(), names, result.descriptor(), dest);
    } else {
      DockerArchive.write(engine.store(), names, result.descriptor(), dest);
    }
  }

  private void report(BuildResult result, List<Reference> names, List<OutputSpec> specs)
      throws IOException {
    String digest = result.descriptor().digest().toString();
    if (idFile != null) {
      Files.writeString(idFile, digest);
    }
    if (metadataFile != null) {
      Map<String, Object> metadata = new LinkedHashMap<>();
      metadata.put("containerimage.digest", digest);
      metadata.put("containerimage.config.digest", result.manifest().config().digest().toString());
      metadata.put(
          "image.name", names.stream().map(Reference::toString).collect(Collectors.joining(",")));
      metadata.put("containerimage.descriptor", result.descriptor());
      Files.write(metadataFile, Json.write(metadata));
    }
    if (specs.stream().noneMatch(OutputSpec::isStandardOutput)) {
      if (quiet) {
        System.out.println(digest);
      } else {
        names.forEach(name -> System.err.println(name + "@" + digest));
        if (names.isEmpty()) {
          System.err.println(digest);
        }
        if (verifyReproducible) {
          System.err.println("reproducible: two builds gave " + digest);
        }
      }
    }
  }
}
