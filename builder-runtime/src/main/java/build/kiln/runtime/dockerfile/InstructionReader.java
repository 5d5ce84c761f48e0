package build.kiln.runtime.dockerfile;

import static build.kiln.runtime.dockerfile.Problem.Code.BAD_ARGUMENT;
import static build.kiln.runtime.dockerfile.Problem.Code.SYNTAX;

import build.kiln.runtime.dockerfile.Instruction.Arg;
import build.kiln.runtime.dockerfile.Instruction.Assignment;
import build.kiln.runtime.dockerfile.Instruction.Cmd;
import build.kiln.runtime.dockerfile.Instruction.Entrypoint;
import build.kiln.runtime.dockerfile.Instruction.Env;
import build.kiln.runtime.dockerfile.Instruction.Expose;
import build.kiln.runtime.dockerfile.Instruction.From;
import build.kiln.runtime.dockerfile.Instruction.Label;
import build.kiln.runtime.dockerfile.Instruction.Maintainer;
import build.kiln.runtime.dockerfile.Instruction.Onbuild;
import build.kiln.runtime.dockerfile.Instruction.Origin;
import build.kiln.runtime.dockerfile.Instruction.Run;
import build.kiln.runtime.dockerfile.Instruction.Shell;
import build.kiln.runtime.dockerfile.Instruction.StopSignal;
import build.kiln.runtime.dockerfile.Instruction.User;
import build.kiln.runtime.dockerfile.Instruction.Volume;
import build.kiln.runtime.dockerfile.Instruction.Workdir;
import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Gives a node its meaning. */
final class InstructionReader {
  private static final Pattern STAGE_NAME = Pattern.compile("[a-z][a-z0-9-_.]*");
  private static final List<String> NETWORKS = List.of("default", "none", "host");
  private static final List<String> SECURITY = List.of("sandbox", "insecure");

  private final Node node;
  private final char escape;
  private final Keyword keyword;
  private final Origin origin;
  private final FlagSet flags;

  private InstructionReader(Node node, char escape) {
    this.node = node;
    this.escape = escape;
    this.keyword = keyword(node, escape);
    this.origin = new Origin(node.range(), node.keyword().range(), node.text(), node.comments());
    this.flags = new FlagSet(keyword, node.flags());
  }

  /**
   * @throws DockerfileException if it is not an instruction, or its flags or arguments do not fit
   */
  static Instruction read(Node node, char escape) {
    return new InstructionReader(node, escape).read();
  }

  private static Keyword keyword(Node node, char escape) {
    String word = node.keyword().text();
    return Keyword.of(word)
        .orElseThrow(
            () ->
                new DockerfileException(
                    Problem.Code.UNKNOWN_INSTRUCTION,
                    node.keyword().range(),
                    "unknown instruction: " + word,
                    Suggestions.nearest(word, Keyword.names())
                        .map(n -> "did you mean " + n + "?")
                        .orElse("a line that goes on in the next one ends with " + escape)));
  }

  private Instruction read() {
    return switch (keyword) {
      case ADD, COPY -> CopyReader.read(node, keyword, origin, flags);
      case ARG -> new Arg(origin, declarations());
      case CMD -> new Cmd(origin, commandLine());
      case ENTRYPOINT -> new Entrypoint(origin, commandLine());
      case ENV -> new Env(origin, assignments());
      case EXPOSE -> expose();
      case FROM -> from();
      case HEALTHCHECK -> HealthcheckReader.read(node, origin, flags);
      case LABEL -> new Label(origin, assignments());
      case MAINTAINER -> new Maintainer(origin, oneArgument().text());
      case ONBUILD -> onbuild();
      case RUN -> run();
      case SHELL -> shell();
      case STOPSIGNAL -> new StopSignal(origin, oneArgument());
      case USER -> new User(origin, oneArgument());
      case VOLUME -> volume();
      case WORKDIR -> new Workdir(origin, oneArgument());
    };
  }

  private From from() {
    List<Word> words = WordSplitter.atBlanks(node.arguments());
    boolean named = words.size() == 3 && words.get(1).text().equalsIgnoreCase("as");
    if (words.size() != 1 && !named) {
      throw bad(
          words.isEmpty() ? origin.keyword() : node.arguments().range(),
          "FROM takes an image, or an image, AS and a name",
          words.stream().anyMatch(w -> w.text().startsWith("#"))
              ? "a comment must stand on a line of its own"
              : "FROM image AS name");
    }
    return new From(origin, words.get(0), flags.value("platform"), named ? alias(words) : null);
  }

  private static From.Alias alias(List<Word> words) {
    Word word = words.get(2);
    if (!STAGE_NAME.matcher(word.text().toLowerCase(Locale.ROOT)).matches()) {
      throw bad(
          word.range(),
          "invalid name for a stage: \"" + word + "\"",
          "it starts with a letter; letters, digits, -, _ and . may follow");
    }
    return new From.Alias(words.get(1), word);
  }

  private Run run() {
    var mounts = new ArrayList<MountOptions>();
    flags.values("mount").forEach(m -> mounts.add(MountOptions.parse(m)));
    CommandLine command = commandLine();
    if (command instanceof CommandLine.Exec e && e.arguments().isEmpty()) {
      throw bad(node.arguments().range(), "RUN needs a command", null);
    }
    return new Run(
        origin,
        command,
        node.heredocs(),
        mounts,
        choice("network", NETWORKS),
        choice("security", SECURITY),
        flags.values("device"));
  }

  /** The flag's value, which must be one of those; the first if it is not given. */
  private Word choice(String flag, List<String> values) {
    Word value = flags.value(flag);
    if (value == null) {
      return new Word(values.get(0), origin.keyword());
    }
    if (!values.contains(value.text())) {
      throw bad(
          value.range(),
          "--" + flag + " cannot be \"" + value + "\"",
          Suggestions.nearest(value.text(), values)
              .map(n -> "did you mean " + n + "?")
              .orElse("it can be " + String.join(", ", values)));
    }
    return value;
  }

  private CommandLine commandLine() {
    return commandLine(node.arguments());
  }

  static CommandLine commandLine(Slice arguments) {
    return switch (JsonArray.read(arguments)) {
      case JsonArray.Strings s -> new CommandLine.Exec(s.words().stream().map(Word::text).toList());
      case JsonArray.OtherValues o -> throw notStrings(o);
      case JsonArray.NotJson n -> new CommandLine.Shell(arguments.text());
    };
  }

  static DockerfileException notStrings(JsonArray.OtherValues value) {
    return new DockerfileException(
        SYNTAX,
        value.range(),
        "the exec form is a JSON array of strings, and this is no string",
        "put it in double quotes");
  }

  /** A JSON array's strings, or the words between blanks. */
  static List<Word> list(Slice arguments) {
    return switch (JsonArray.read(arguments)) {
      case JsonArray.Strings s -> s.words();
      case JsonArray.OtherValues o -> throw notStrings(o);
      case JsonArray.NotJson n -> WordSplitter.atBlanks(arguments);
    };
  }

  private Word oneArgument() {
    if (node.arguments().isEmpty()) {
      throw bad(origin.keyword(), keyword + " requires exactly one argument", null);
    }
    return node.arguments().word();
  }

  private List<Assignment> assignments() {
    Slice arguments = node.arguments();
    List<Slice> words = WordSplitter.keepingQuotes(arguments, escape);
    if (words.isEmpty()) {
      throw bad(
          origin.keyword(), keyword + " requires at least one argument", keyword + " name=value");
    }
    if (!words.get(0).text().contains("=")) {
      return List.of(oldForm(arguments));
    }
    var assignments = new ArrayList<Assignment>();
    for (Slice word : words) {
      int equals = word.text().indexOf('=');
      if (equals < 0) {
        throw new DockerfileException(
            SYNTAX,
            word.range(),
            "can't find = in \"" + word.text() + "\"",
            "it must be name=value; quote a value with spaces");
      }
      assignments.add(new Assignment(name(word, equals), value(word, equals)));
    }
    return assignments;
  }

  /** {@code ENV name the rest of the line}. */
  private Assignment oldForm(Slice arguments) {
    String text = arguments.text();
    int end = 0;
    while (end < text.length() && !Chars.isBlank(text.charAt(end))) {
      end++;
    }
    int value = end;
    while (value < text.length() && Chars.isBlank(text.charAt(value))) {
      value++;
    }
    if (end == text.length()) {
      throw bad(
          arguments.range(), keyword + " must have two arguments", keyword + " " + text + "=value");
    }
    return new Assignment(
        arguments.part(0, end).word(), arguments.part(value, text.length()).word());
  }

  private Word name(Slice word, int equals) {
    if (equals == 0) {
      throw bad(word.range(), keyword + " names can not be blank", null);
    }
    return word.part(0, equals).word();
  }

  private static Word value(Slice word, int equals) {
    return word.part(equals + 1, word.text().length()).word();
  }

  private List<Arg.Declaration> declarations() {
    List<Slice> words = WordSplitter.keepingQuotes(node.arguments(), escape);
    if (words.isEmpty()) {
      throw bad(origin.keyword(), "ARG requires at least one argument", "ARG name=default");
    }
    var declarations = new ArrayList<Arg.Declaration>();
    for (Slice word : words) {
      int equals = word.text().indexOf('=');
      String name = equals < 0 ? word.text() : name(word, equals).text();
      declarations.add(
          new Arg.Declaration(name, equals < 0 ? null : value(word, equals), word.range()));
    }
    return declarations;
  }

  private Expose expose() {
    var ports = new ArrayList<>(WordSplitter.atBlanks(node.arguments()));
    if (ports.isEmpty()) {
      throw bad(origin.keyword(), "EXPOSE requires at least one argument", "EXPOSE 8080/tcp");
    }
    ports.sort(Comparator.comparing(Word::text));
    return new Expose(origin, ports);
  }

  private Volume volume() {
    List<Word> paths = list(node.arguments());
    if (paths.isEmpty()) {
      throw bad(origin.keyword(), "VOLUME requires at least one argument", "VOLUME /data");
    }
    var stripped = new ArrayList<Word>();
    for (Word path : paths) {
      Word clean = path.withText(Chars.strip(path.text()));
      if (clean.isEmpty()) {
        throw bad(path.range(), "a VOLUME cannot be an empty string", null);
      }
      stripped.add(clean);
    }
    return new Volume(origin, stripped);
  }

  private Shell shell() {
    return switch (JsonArray.read(node.arguments())) {
      case JsonArray.Strings s when !s.words().isEmpty() ->
          new Shell(origin, s.words().stream().map(Word::text).toList());
      case JsonArray.Strings s ->
          throw bad(origin.keyword(), "SHELL requires at least one argument", shellHint());
      case JsonArray.OtherValues o -> throw notStrings(o);
      case JsonArray.NotJson n ->
          throw bad(
              node.arguments().isEmpty() ? origin.keyword() : node.arguments().range(),
              "SHELL requires its arguments as a JSON array",
              shellHint());
    };
  }

  private static String shellHint() {
    return "SHELL [\"/bin/sh\", \"-c\"]";
  }

  private Onbuild onbuild() {
    if (node.arguments().isEmpty()) {
      throw bad(origin.keyword(), "ONBUILD requires an instruction", "ONBUILD RUN command");
    }
    Node inner =
        Parser.split(node.arguments(), List.of()).with(node.heredocs(), node.arguments().range());
    Keyword trigger = keyword(inner, escape);
    if (EnumSet.of(Keyword.ONBUILD, Keyword.FROM, Keyword.MAINTAINER).contains(trigger)) {
      throw bad(inner.keyword().range(), trigger + " isn't allowed as an ONBUILD trigger", null);
    }
    var text = new StringBuilder(node.arguments().text());
    node.heredocs().forEach(h -> text.append('\n').append(h.body()).append(h.name()));
    return new Onbuild(origin, text.toString(), read(inner, escape));
  }

  static DockerfileException bad(SourceRange range, String message, @Nullable String hint) {
    return new DockerfileException(BAD_ARGUMENT, range, message, hint);
  }
}
