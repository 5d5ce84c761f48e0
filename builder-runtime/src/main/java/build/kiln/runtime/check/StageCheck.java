package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.CommandLine;
import build.kiln.runtime.dockerfile.GoPath;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.Suggestions;
import build.kiln.runtime.dockerfile.Word;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/** The rules about the instructions of one stage, which depend on those before them. */
final class StageCheck {
  private static final Pattern SECRET =
      Pattern.compile(
          "(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)");
  private static final Pattern NO_SECRET = Pattern.compile("(?i)(?:_|^)public(?:_|$)");

  /** Only a pattern that leaves out everything leaves out this. */
  private static final String SOME_NAME = "\u0001some name\u0001";

  private final Checks.Input input;
  private final Scope scope;
  private final CheckOptions options;
  private final Report report;
  private final Map<String, SourceRange> once = new HashMap<>();

  /** Those for the instruction that is looked at. */
  private CheckOptions here;

  /** What instructions of a stage see, and hand on to stages that are based on it. */
  static final class Scope {
    private final boolean known;
    private final Map<String, String> environment = new HashMap<>();
    private final Map<String, String> arguments = new HashMap<>();
    private final Set<String> declared = new HashSet<>();
    private boolean absoluteWorkdir;
    private boolean ownShell;

    private Scope(boolean known) {
      this.known = known;
    }

    /** With the environment of a base image. */
    static Scope of(Map<String, String> environment) {
      var scope = new Scope(true);
      scope.environment.putAll(environment);
      return scope;
    }

    /** Of a base image that nobody could look at. */
    static Scope unknown() {
      return new Scope(false);
    }

    private Scope copy() {
      var copy = new Scope(known);
      copy.environment.putAll(environment);
      copy.arguments.putAll(arguments);
      copy.declared.addAll(declared);
      copy.absoluteWorkdir = absoluteWorkdir;
      copy.ownShell = ownShell;
      return copy;
    }

    private Optional<String> value(String name) {
      return Optional.ofNullable(environment.get(name))
          .or(() -> Optional.ofNullable(arguments.get(name)));
    }
  }

  /**
   * @param base is left as it is
   */
  StageCheck(Checks.Input input, CheckOptions options, Scope base, Report report) {
    this.input = input;
    this.options = options;
    this.here = options;
    this.scope = base.copy();
    this.report = report;
  }

  /** The scope at the stage's end. */
  Scope run(Stage stage) {
    for (Instruction instruction : stage.instructions()) {
      here = options.with(instruction.origin().comments());
      if (instruction instanceof Instruction.Arg arg) {
        arg.declarations().forEach(declaration -> arg(arg, declaration));
      } else {
        undefined(instruction);
        instruction(instruction);
      }
    }
    return scope;
  }

  private void undefined(Instruction instruction) {
    Function<String, Optional<String>> variables = scope::value;
    Set<String> undefined = new TreeSet<>(input.expansion().undefined(instruction, variables));
    undefined.removeAll(scope.declared);
    if (!scope.known) {
      return;
    }
    var known = new TreeSet<>(scope.environment.keySet());
    known.addAll(scope.declared);
    known.addAll(input.globals().declared());
    for (String name : undefined) {
      String meant =
          Suggestions.nearest(name, known).map(n -> " (did you mean $" + n + "?)").orElse("");
      report.add(
          here,
          Rule.UndefinedVar,
          instruction.range(),
          "Usage of undefined variable '$%s'%s".formatted(name, meant));
    }
  }

  private void instruction(Instruction instruction) {
    switch (instruction) {
      case Instruction.Env env -> env(env);
      case Instruction.Label label -> oldForm(label);
      case Instruction.Cmd cmd -> command(cmd, cmd.command());
      case Instruction.Entrypoint entrypoint -> command(entrypoint, entrypoint.command());
      case Instruction.Healthcheck healthcheck -> once(healthcheck);
      case Instruction.Shell _ -> scope.ownShell = true;
      case Instruction.Workdir workdir -> workdir(workdir);
      case Instruction.Expose expose -> expose.ports().forEach(this::port);
      case Instruction.Copy copy when copy.from() == null -> copied(copy.sources(), "Copy");
      case Instruction.Add add -> copied(add.sources(), "Add");
      default -> {}
    }
  }

  private void env(Instruction.Env env) {
    oldForm(env);
    Instruction.Env expanded = input.expansion().expand(env, scope::value);
    expanded
        .assignments()
        .forEach(
            assignment -> {
              secret("ENV", assignment.name().text(), assignment.name().range());
              scope.environment.put(assignment.name().text(), assignment.value().text());
            });
  }

  /** A default that a build argument replaces is not looked at. */
  private void arg(Instruction.Arg arg, Instruction.Arg.Declaration declaration) {
    String name = declaration.name();
    secret("ARG", name, declaration.range());
    Optional<String> given = Optional.ofNullable(input.buildArgs().get(name));
    if (given.isEmpty()) {
      undefined(new Instruction.Arg(arg.origin(), List.of(declaration)));
    }
    given
        .or(
            () ->
                declaration
                    .defaultValue()
                    .map(word -> input.expansion().expand(word, scope::value).text()))
        .or(() -> input.globals().apply(name))
        .ifPresent(value -> scope.arguments.put(name, value));
    scope.declared.add(name);
  }

  private void secret(String keyword, String name, SourceRange range) {
    if (SECRET.matcher(name).find() && !NO_SECRET.matcher(name).find()) {
      report.add(
          here,
          Rule.SecretsUsedInArgOrEnv,
          range,
          "Do not use ARG or ENV instructions for sensitive data (%s \"%s\")"
              .formatted(keyword, name));
    }
  }

  /** {@code ENV name value}: its first word has no equals sign. */
  private void oldForm(Instruction instruction) {
    String[] words = instruction.original().split("\\s+", 3);
    if (words.length > 1 && !words[1].contains("=")) {
      report.add(
          here,
          Rule.LegacyKeyValueFormat,
          instruction.range(),
          "\"%s key=value\" should be used instead of legacy \"%s key value\" format"
              .formatted(instruction.name(), instruction.name()));
    }
  }

  private void command(Instruction instruction, CommandLine command) {
    once(instruction);
    if (command instanceof CommandLine.Shell && !scope.ownShell) {
      report.add(
          here,
          Rule.JSONArgsRecommended,
          instruction.range(),
          "JSON arguments recommended for %s to prevent unintended behavior related to OS signals"
              .formatted(instruction.name()));
    }
  }

  /** The earlier one is told, since it is the one without effect. */
  private void once(Instruction instruction) {
    SourceRange earlier = once.put(instruction.name(), instruction.range());
    if (earlier != null) {
      report.add(
          here,
          Rule.MultipleInstructionsDisallowed,
          earlier,
          "Multiple %s instructions should not be used in the same stage because only the last one will be used"
              .formatted(instruction.name()));
    }
  }

  private void workdir(Instruction.Workdir workdir) {
    String path = input.expansion().expand(workdir, scope::value).path().text();
    if (path.startsWith("/")) {
      scope.absoluteWorkdir = true;
    } else if (!scope.absoluteWorkdir) {
      report.add(
          here,
          Rule.WorkdirRelativePath,
          workdir.path().range(),
          "Relative workdir \"%s\" can have unexpected results if the base image changes"
              .formatted(path));
    }
  }

  private void port(Word port) {
    String text = port.text();
    if (text.contains("$")) {
      return;
    }
    int slash = text.indexOf('/');
    String protocol = slash < 0 ? "" : text.substring(slash + 1);
    if (!protocol.equals(protocol.toLowerCase(Locale.ROOT))) {
      report.add(
          here,
          Rule.ExposeProtoCasing,
          port.range(),
          "Defined protocol '%s' in EXPOSE instruction should be lowercase".formatted(text));
    }
    if (text.contains(":")) {
      report.add(
          here,
          Rule.ExposeInvalidFormat,
          port.range(),
          "EXPOSE instruction should not define an IP address or host-port mapping, found '%s'"
              .formatted(text));
    }
  }

  private void copied(List<Word> sources, String how) {
    for (Word source : sources) {
      String written = input.expansion().expand(source, scope::value).text();
      if (written.contains("://") || written.isEmpty()) {
        continue;
      }
      String path = GoPath.belowRoot(written);
      if (excluded(input.ignored(), path)) {
        report.add(
            here,
            Rule.CopyIgnoredFile,
            source.range(),
            "Attempting to %s file \"%s\" that is excluded by .dockerignore"
                .formatted(how, path.isEmpty() ? "." : path));
      }
    }
  }

  private static boolean excluded(IgnoreFile ignored, String path) {
    return path.isEmpty()
        ? ignored.excludes(SOME_NAME) && !ignored.hasExceptions()
        : ignored.excludes(path) && !ignored.mayContainIncluded(path);
  }
}
