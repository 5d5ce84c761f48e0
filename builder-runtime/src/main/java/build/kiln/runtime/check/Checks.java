package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Expansion;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Instruction.From;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Stage;
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
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** Applies the rules to one Dockerfile. */
public final class Checks {
  private static final Set<String> RESERVED = Set.of("context", "scratch");

  private final Input input;
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

  private Checks(Input input) {
    this.input = input;
  }

  /**
   * The findings of all rules that are not skipped, in the file's order.
   *
   * @throws DockerfileException if an instruction cannot be expanded
   */
  public static List<Finding> run(Input input, CheckOptions options) {
    var checks = new Checks(input);
    checks.all();
    return checks.findings.stream()
        .filter(finding -> !options.skipped().contains(finding.rule()))
        .sorted(
            Comparator.comparingInt((Finding f) -> f.range().startLine())
                .thenComparingInt(f -> f.range().startColumn())
                .thenComparing(Finding::rule))
        .toList();
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

  private void add(Rule rule, SourceRange range, String detail) {
    findings.add(new Finding(rule, range, detail));
  }

  private void all() {
    for (Problem warning : input.dockerfile().warnings()) {
      if (warning.code() == Problem.Code.EMPTY_CONTINUATION) {
        add(Rule.NoEmptyContinuation, warning.range(), "empty continuation line");
      }
    }
    instructionCasing();
    stageNames();
    for (StageGraph.Vertex vertex : input.graph().vertices()) {
      from(vertex.stage().from());
      var check = new StageCheck(input, scope(vertex), this::add);
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

  private void instructionCasing() {
    var all = new ArrayList<Instruction>(input.dockerfile().globalArgs());
    for (Stage stage : input.dockerfile().stages()) {
      all.add(stage.from());
      all.addAll(stage.instructions());
    }
    long lower = all.stream().filter(i -> isLower(keyword(i))).count();
    long upper = all.stream().filter(i -> isUpper(keyword(i))).count();
    boolean mostlyLower = lower > upper;
    for (Instruction instruction : all) {
      String keyword = keyword(instruction);
      if (mostlyLower ? !isLower(keyword) : !isUpper(keyword)) {
        add(
            Rule.ConsistentInstructionCasing,
            instruction.origin().keyword(),
            "Command '%s' should match the case of the command majority (%s)"
                .formatted(keyword, mostlyLower ? "lowercase" : "uppercase"));
      }
    }
  }

  private static String keyword(Instruction instruction) {
    return instruction.original().split("\\s", 2)[0];
  }

  private static boolean isLower(String text) {
    return text.equals(text.toLowerCase(Locale.ROOT));
  }

  private static boolean isUpper(String text) {
    return text.equals(text.toUpperCase(Locale.ROOT));
  }

  private void stageNames() {
    var seen = new TreeSet<String>();
    for (Stage stage : input.dockerfile().stages()) {
      From from = stage.from();
      From.Alias alias = from.alias();
      if (alias == null) {
        continue;
      }
      String written = alias.name().text();
      String name = written.toLowerCase(Locale.ROOT);
      SourceRange range = alias.name().range();
      if (!isLower(written)) {
        add(Rule.StageNameCasing, range, "Stage name '%s' should be lowercase".formatted(written));
      }
      if (RESERVED.contains(name)) {
        add(
            Rule.ReservedStageName,
            range,
            "Stage name should not use the same name as reserved stage \"%s\"".formatted(name));
      }
      if (!seen.add(name)) {
        add(
            Rule.DuplicateStageName,
            range,
            "Duplicate stage name \"%s\", stage names should be unique".formatted(name));
      }
      String as = alias.as().text();
      String keyword = keyword(from);
      if (isLower(as) != isLower(keyword) || isUpper(as) != isUpper(keyword)) {
        add(
            Rule.FromAsCasing,
            alias.as().range(),
            "'%s' and '%s' keywords' casing do not match".formatted(as, keyword));
      }
    }
  }

  private void from(From from) {
    Set<String> undefined = input.expansion().undefined(from, input.globals());
    for (String name : undefined) {
      if (!input.globals().declared().contains(name)) {
        add(
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
          Rule.RedundantTargetPlatform,
          platform.range(),
          "Setting platform to predefined %s in FROM is redundant as this is the default behavior"
              .formatted(platform));
    } else if (!platform.text().contains("$") && !namesPlatform(from, platform.text())) {
      add(
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
