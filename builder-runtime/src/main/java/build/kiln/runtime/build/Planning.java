package build.kiln.runtime.build;

import build.kiln.runtime.check.CheckOptions;
import build.kiln.runtime.context.IgnoreFiles;
import build.kiln.runtime.dockerfile.Directives;
import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Expansion;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.PredefinedArguments;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a request says by itself, before anything is looked up: the Dockerfile, read, and which
 * stage needs which.
 *
 * @param predefined the platform arguments
 * @param target the stage to build
 */
record Planning(
    BuildRequest request,
    Dockerfile dockerfile,
    Map<String, String> predefined,
    GlobalArguments globals,
    StageGraph graph,
    Stage target) {
  /** Build arguments that a build looks at itself. */
  private static final Set<String> BUILDKIT =
      Set.of(
          CheckOptions.ARGUMENT,
          PredefinedArguments.SYNTAX,
          PredefinedArguments.HOST_NAME,
          PredefinedArguments.CACHE_NAMESPACE);

  /** Those of BuildKit's that mean nothing in Kiln, and what does. */
  private static final Map<String, String> NO_EFFECT =
      Map.of(
          "BUILDKIT_INLINE_CACHE",
          "a cache in a registry has a repository of its own (cache.registry, --cache-to)",
          "BUILDKIT_MULTI_PLATFORM",
          "a build makes one image",
          "BUILDKIT_BUILD_NAME",
          "a run has the name of its resource",
          "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
          "a context from Git has no .git; ADD --keep-git-dir of the repository has");

  /**
   * Reads the Dockerfile.
   *
   * @throws DockerfileException if it is not valid, or there is no such target
   */
  static Planning of(BuildRequest request, BuildProgress progress) {
    Dockerfile dockerfile = dockerfile(request, progress);
    Map<String, String> predefined = platformArguments(request, dockerfile);
    GlobalArguments globals = GlobalArguments.resolve(dockerfile, predefined, request.buildArgs());
    StageGraph graph =
        StageGraph.of(
            dockerfile,
            globals,
            request.contexts().names(),
            text -> otherPlatform(request.platform(), text));
    Stage target = request.target() == null ? graph.lastStage() : graph.target(request.target());
    return new Planning(request, dockerfile, predefined, globals, graph, target);
  }

  private static Optional<String> otherPlatform(Platform built, String text) {
    try {
      Platform platform = Platform.parse(text);
      return built.accepts(platform) ? Optional.empty() : Optional.of(platform.toString());
    } catch (OciException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  Expansion expansion() {
    return Expansion.of(dockerfile.directives().escape());
  }

  BuildChecks checks() {
    return new BuildChecks(request, dockerfile, predefined);
  }

  private static Dockerfile dockerfile(BuildRequest request, BuildProgress progress) {
    BuildProgress.Activity loading =
        progress.internal("[internal] load build definition from " + request.dockerfile().name());
    try {
      Dockerfile dockerfile = Dockerfile.parse(request.dockerfile());
      checkFrontend(request, dockerfile);
      frontend(request, dockerfile)
          .ifPresent(syntax -> loading.note("the front end " + syntax + " is built in"));
      loading.done();
      return dockerfile;
    } catch (DockerfileException e) {
      loading.failed(e.getMessage());
      throw e;
    }
  }

  /** The front end that is asked for. */
  private static Optional<String> frontend(BuildRequest request, Dockerfile dockerfile) {
    return Optional.ofNullable(request.buildArgs().get(PredefinedArguments.SYNTAX))
        .or(() -> dockerfile.directives().syntax().map(Word::text));
  }

  private static void checkFrontend(BuildRequest request, Dockerfile dockerfile) {
    String given = request.buildArgs().get(PredefinedArguments.SYNTAX);
    if (given != null) {
      Directives.checkFrontend(given, dockerfile.stages().getFirst().from().origin().keyword());
    }
  }

  private static Map<String, String> platformArguments(
      BuildRequest request, Dockerfile dockerfile) {
    Map<String, String> values = new HashMap<>();
    add(values, "BUILD", Platform.host());
    add(values, "TARGET", request.platform());
    Optional<String> last = Optional.of(dockerfile.stages().getLast()).flatMap(Stage::name);
    String target = request.target();
    values.put("TARGETSTAGE", target == null ? last.orElse("default") : target);
    values.keySet().retainAll(PredefinedArguments.PLATFORM);
    return values;
  }

  private static void add(Map<String, String> values, String prefix, Platform platform) {
    values.put(prefix + "PLATFORM", platform.toString());
    values.put(prefix + "OS", platform.os());
    values.put(prefix + "ARCH", platform.architecture());
    values.put(prefix + "VARIANT", platform.variant() == null ? "" : platform.variant());
  }

  void warnOfUnusedArguments(BuildProgress progress) {
    Set<String> unused = new TreeSet<>(request.buildArgs().keySet());
    unused.removeIf(PredefinedArguments::isProxy);
    unused.removeAll(PredefinedArguments.PLATFORM);
    unused.remove(BuildRequest.EPOCH_ARGUMENT);
    unused.removeAll(BUILDKIT);
    unused.removeIf(name -> warnOfNoEffect(name, progress));
    var declarations = new ArrayList<Instruction>(dockerfile.globalArgs());
    dockerfile.stages().forEach(stage -> declarations.addAll(stage.instructions()));
    for (Instruction instruction : declarations) {
      if (instruction instanceof Instruction.Arg arg) {
        arg.declarations().forEach(d -> unused.remove(d.name()));
      }
    }
    if (!unused.isEmpty()) {
      progress.warn(
          "no ARG of the Dockerfile takes the build arguments " + String.join(", ", unused), null);
    }
  }

  private static boolean warnOfNoEffect(String name, BuildProgress progress) {
    String instead = NO_EFFECT.get(name);
    if (instead != null) {
      progress.warn("the build argument " + name + " has no effect here: " + instead, null);
    }
    return instead != null;
  }

  /** The ignore file that counts. */
  IgnoreFile ignored(BuildProgress progress) throws IOException {
    BuildProgress.Activity loading = progress.internal("[internal] load .dockerignore");
    SourceFile own = request.ignoreFile();
    try {
      IgnoreFile ignored =
          own == null
              ? IgnoreFiles.of(request.context(), request.dockerfilePath())
              : IgnoreFile.parse(own);
      loading.done();
      return ignored;
    } catch (IOException | DockerfileException e) {
      loading.failed(e.getMessage());
      throw e;
    }
  }
}
