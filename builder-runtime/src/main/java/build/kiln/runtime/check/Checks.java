package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Expansion;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction.From;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.dockerfile.Suggestions;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** Applies the rules to one Dockerfile. */
public final class Checks {
  private final Input input;
  private final CheckOptions options;
  private final List<Finding> findings = new ArrayList<>();
  private final Map<Integer, StageCheck.Scope> scopes = new HashMap<>();

  /**
   * What is checked.
   *
   * @param defaults the global arguments as they are without build arguments
   * @param ignored what the context's ignore file leaves out
   * @param baseEnvironment the environment of a base image; empty if it is not known, so that
   *     nobody can say which variables are undefined
   */
  public record Input(
      Dockerfile dockerfile,
      StageGraph graph,
      GlobalArguments globals,
      GlobalArguments defaults,
      Map<String, String> buildArgs,
      IgnoreFile ignored,
      Function<StageSource.Named, Optional<Map<String, String>>> baseEnvironment) {
    public Input {
      buildArgs = Map.copyOf(buildArgs);
    }

    Expansion expansion() {
      return Expansion.of(dockerfile.directives().escape());
    }
  }

  private static final Comparator<Finding> IN_ORDER =
      (a, b) -> {
        int lines = Integer.compare(a.range().startLine(), b.range().startLine());
        int columns = Integer.compare(a.range().startColumn(), b.range().startColumn());
        return lines != 0 ? lines : columns != 0 ? columns : a.rule().compareTo(b.rule());
      };

  private Checks(Input input, CheckOptions options) {
    this.input = input;
    this.options = options;
  }

  /**
   * The findings of all rules that apply, in the file's order.
   *
   * @throws DockerfileException if an instruction cannot be expanded
   */
  public static List<Finding> run(Input input, CheckOptions options) {
    var checks = new Checks(input, options);
    checks.all();
    return checks.findings.stream().sorted(IN_ORDER).toList();
  }

  /**
   * The options of a Dockerfile: those of the build argument, else of its directive.
   *
   * @throws DockerfileException if they cannot be read
   */
  public static CheckOptions options(Dockerfile dockerfile, Map<String, String> buildArgs) {
    String given = buildArgs.get(CheckOptions.ARGUMENT);
    Word word = dockerfile.directives().check().orElse(null);
    try {
      return given != null
          ? CheckOptions.parse(given)
          : word == null ? CheckOptions.none() : CheckOptions.parse(word.text());
    } catch (IllegalArgumentException e) {
      throw new DockerfileException(
          Problem.Code.BAD_ARGUMENT,
          given == null && word != null
              ? word.range()
              : dockerfile.stages().getFirst().from().origin().keyword(),
          "cannot read "
              + (given == null
                  ? "the check directive"
                  : "the build argument " + CheckOptions.ARGUMENT)
              + ": "
              + e.getMessage(),
          "it is skip=Rule,Rule;error=true");
    }
  }

  private void add(CheckOptions here, Rule rule, SourceRange range, String detail) {
    if (here.applies(rule)) {
      findings.add(new Finding(rule, range, detail));
    }
  }

  private void all() {
    for (Problem warning : input.dockerfile().warnings()) {
      if (warning.code() == Problem.Code.EMPTY_CONTINUATION) {
        add(options, Rule.NoEmptyContinuation, warning.range(), "empty continuation line");
      }
    }
    new FileCheck(input.dockerfile(), options, this::add).run();
    for (StageGraph.Vertex vertex : input.graph().vertices()) {
      from(vertex.stage().from());
      var check = new StageCheck(input, options, scope(vertex), this::add);
      scopes.put(vertex.stage().number(), check.run(vertex.stage()));
    }
  }

  private StageCheck.Scope scope(StageGraph.Vertex vertex) {
    return switch (vertex.base()) {
      case StageSource.OfStage base ->
          Optional.ofNullable(scopes.get(base.stage().number()))
              .orElseGet(StageCheck.Scope::unknown);
      case StageSource.Named named ->
          input
              .baseEnvironment()
              .apply(named)
              .map(StageCheck.Scope::of)
              .orElseGet(StageCheck.Scope::unknown);
      case StageSource.Scratch _, StageSource.Files _ -> StageCheck.Scope.of(Map.of());
    };
  }

  private void from(From from) {
    CheckOptions here = options.with(from.origin().comments());
    Set<String> undefined = input.expansion().undefined(from, input.globals());
    for (String name : undefined) {
      if (!input.globals().declared().contains(name)) {
        add(
            here,
            Rule.UndefinedArgInFrom,
            from.image().range(),
            "FROM argument '%s' is not declared%s".formatted(name, meant(name)));
      }
    }
    invalidDefault(from);
    Word platform = from.platform();
    if (platform == null) {
      return;
    }
    if (platform.text().equals("$TARGETPLATFORM") || platform.text().equals("${TARGETPLATFORM}")) {
      add(
          here,
          Rule.RedundantTargetPlatform,
          platform.range(),
          "Setting platform to predefined %s in FROM is redundant as this is the default behavior"
              .formatted(platform));
    } else if (!platform.text().contains("$") && !namesPlatform(from, platform.text())) {
      add(
          here,
          Rule.FromPlatformFlagConstDisallowed,
          platform.range(),
          "FROM --platform flag should not use constant value \"%s\"".formatted(platform));
    }
  }

  /** A stage such as {@code build_arm64} is one of several that a variable chooses from. */
  private static boolean namesPlatform(From from, String platform) {
    String name = from.stageName();
    if (name == null) {
      return false;
    }
    try {
      Platform parsed = Platform.parse(platform);
      return name.contains(parsed.architecture()) || name.contains(parsed.os());
    } catch (OciException e) {
      return false;
    }
  }

  private String meant(String name) {
    var known = new TreeSet<>(input.globals().declared());
    known.addAll(input.globals().values().keySet());
    return Suggestions.nearest(name, known).map(near -> " (did you mean " + near + "?)").orElse("");
  }

  private void invalidDefault(From from) {
    if (!from.image().text().contains("$")) {
      return;
    }
    String image = input.expansion().expand(from.image(), input.defaults()).text();
    if (!isImage(image)) {
      add(
          options,
          Rule.InvalidDefaultArgInFrom,
          from.image().range(),
          "Default value for ARG %s results in empty or invalid base image name"
              .formatted(from.image()));
    }
  }

  private static boolean isImage(String name) {
    try {
      return !name.isEmpty() && !Reference.parse(name).repository().isEmpty();
    } catch (OciException e) {
      return false;
    }
  }
}
