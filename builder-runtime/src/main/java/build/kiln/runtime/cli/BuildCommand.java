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
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code kiln build}: as {@code docker build}, without a daemon. */
class BuildCommand implements Command {
  /** A picture is not worth waiting for a registry that is not there. */
  private static final RetryPolicy LOOK_ONCE =
      new RetryPolicy(2, Duration.ofMillis(200), Duration.ofSeconds(1));

  @SuppressWarnings("NullAway.Init") // required, so the parser sets it
  private String context;

  private List<String> tags = List.of();
  private @Nullable String file;
  private List<String> buildArgs = List.of();
  private List<String> secrets = List.of();
  private List<String> buildContexts = List.of();
  private List<String> ssh = List.of();
  private @Nullable String target;
  private boolean noCache;
  private boolean verifyReproducible;
  private final CacheOptions caches = new CacheOptions();
  private boolean pull;
  private boolean push;
  private List<String> outputs = List.of();
  private @Nullable String platform;
  private List<String> labels = List.of();
  private List<String> annotations = List.of();
  private String compression = "gzip";
  private Isolation isolation = Isolation.Auto;
  private ProgressMode progress = ProgressMode.auto;
  private boolean quiet;
  private @Nullable Path idFile;
  private @Nullable Path metadataFile;
  private List<String> insecure = List.of();
  private @Nullable Path storeFolder;
  private @Nullable String call;

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .about("Builds an image from a Dockerfile and a folder.")
        .parameter(
            "CONTEXT",
            "What COPY and ADD read from: a folder, a Git repository, or an archive by URL or standard input (-).",
            text -> context = text)
        .list(
            "-t, --tag=NAME[:TAG]",
            "A name for the image; may be given several times.",
            values -> tags = values)
        .dockerfile(text -> file = text)
        .buildArguments(values -> buildArgs = values)
        .list(
            "--secret=id=ID[,src=FILE|,env=NAME]",
            "What RUN --mount=type=secret may ask for: a file, or a variable of the environment. Without either, the variable named ID, else the file.",
            values -> secrets = values)
        .list(
            "--build-context=NAME=VALUE",
            "What FROM, COPY --from and RUN --mount=from mean by a name: docker-image://REFERENCE, or files as CONTEXT has them.",
            values -> buildContexts = values)
        .list(
            "--ssh=ID[=SOCKET|KEY[,KEY]...]",
            "What RUN --mount=type=ssh may use: an SSH agent's socket, or private keys. Without either, the user's own agent.",
            values -> ssh = values)
        .option("--target=STAGE", "The stage to build.", text -> target = text)
        .flag("--no-cache", "Do every step, whatever earlier builds left.", on -> noCache = on)
        .flag(
            "--verify-reproducible",
            "Build twice, the second time without cache, and fail if the images differ; nothing is tagged, written or pushed before.",
            on -> verifyReproducible = on);
    caches.syntax(syntax);
    syntax
        .flag("--pull", "Ask registries for bases that the local store has.", on -> pull = on)
        .flag("--push", "Push the image under its names.", on -> push = on)
        .list(
            "-o, --output=TYPE",
            "type=oci,dest=FILE or type=docker,dest=FILE writes an archive (- is standard output); type=registry pushes; type=image keeps it in the local store.",
            values -> outputs = values)
        .option("--platform=OS/ARCH", "The platform to build for.", text -> platform = text)
        .list("--label=NAME=VALUE", "A label for the image.", values -> labels = values)
        .list(
            "--annotation=NAME=VALUE",
            "An annotation for the manifest.",
            values -> annotations = values)
        .option(
            "--compression=TYPE[:LEVEL]",
            "gzip or zstd, for new layers. Default: gzip.",
            text -> compression = text)
        .choice(
            "--isolation=TIER",
            "The weakest isolation of RUN to accept: ${COMPLETION-CANDIDATES}.",
            Isolation.class,
            value -> isolation = value)
        .choice(
            "--progress=HOW",
            "${COMPLETION-CANDIDATES}. Default: auto.",
            ProgressMode.class,
            value -> progress = value)
        .flag("-q, --quiet", "Print the image's digest only.", on -> quiet = on)
        .option("--iidfile=FILE", "Write the image's digest there.", text -> idFile = Path.of(text))
        .option(
            "--metadata-file=FILE",
            "Write what is known of the result there, as JSON.",
            text -> metadataFile = Path.of(text))
        .insecureRegistries(values -> insecure = values)
        .store(path -> storeFolder = path)
        .option(
            "--call, --print=METHOD[,format=HOW]",
            "graph shows what the build would do and builds nothing, as format=text, json or dot; build is the default.",
            text -> call = text);
  }

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
