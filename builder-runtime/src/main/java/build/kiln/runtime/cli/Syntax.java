package build.kiln.runtime.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;

/**
 * What may stand on the command line of one command. Help has parameters and options in the order
 * in which they are said here; a taker is called if its word was given, and only then.
 *
 * <p>Picocli hears it in code: for its annotations a JVM makes classes at each start and sets
 * fields by reflection, which takes as long as all else that a short command does.
 */
final class Syntax {
  private final CommandSpec spec;
  private int parameters;

  private Syntax(String name, Command command) {
    spec = CommandSpec.wrapWithoutInspection(command, Syntax::create).name(name);
    spec.usageMessage().sortOptions(false);
  }

  /** The command line of a command; {@code --help} and {@code --version} are its last options. */
  static CommandLine line(String name, Command command) {
    var syntax = new Syntax(name, command);
    command.syntax(syntax);
    OptionSpec.Builder help = OptionSpec.builder("-h", "--help").type(boolean.class);
    syntax.add(help.usageHelp(true), "Show this help message and exit.", asked -> {});
    OptionSpec.Builder version = OptionSpec.builder("-V", "--version").type(boolean.class);
    syntax.add(version.versionHelp(true), "Print version information and exit.", asked -> {});
    syntax.spec.versionProvider(() -> new String[] {Version.text()});
    return new CommandLine(syntax.spec, Syntax::create);
  }

  /** What the command does, in lines. */
  Syntax about(String... lines) {
    spec.usageMessage().description(lines);
    return this;
  }

  /** Another name of the command. */
  Syntax alias(String name) {
    spec.aliases(name);
    return this;
  }

  /** Help does not name the command. */
  Syntax hidden() {
    spec.usageMessage().hidden(true);
    return this;
  }

  /** Help has the options by the alphabet. */
  Syntax sorted() {
    spec.usageMessage().sortOptions(true);
    return this;
  }

  /** What help says of the exit codes, from 0 on. */
  Syntax exitCodes(String... meanings) {
    Map<String, String> codes = new LinkedHashMap<>();
    for (String meaning : meanings) {
      codes.put(Integer.toString(codes.size()), meaning);
    }
    spec.usageMessage().exitCodeListHeading("%nExit codes:%n").exitCodeList(codes);
    return this;
  }

  /** The last line of help. */
  Syntax footer(String line) {
    spec.usageMessage().footerHeading("%n").footer(line);
    return this;
  }

  /** A command of this command. */
  Syntax command(String name, Command command) {
    spec.addSubcommand(name, line(name, command));
    return this;
  }

  /** An option without a value, such as {@code "-q, --quiet"}. */
  Syntax flag(String names, String about, Consumer<Boolean> taker) {
    return add(OptionSpec.builder(names(names)).type(boolean.class), about, taker);
  }

  /** An option with a value, such as {@code "-f, --file=FILE"}; of several the last is taken. */
  Syntax option(String names, String about, Consumer<String> taker) {
    return add(option(names, String.class), about, taker);
  }

  /** An option with a value that must be given. */
  Syntax requiredOption(String names, String about, Consumer<String> taker) {
    return add(option(names, String.class).required(true), about, taker);
  }

  /** An option whose value is the name of one of these constants. */
  <E extends Enum<E>> Syntax choice(String names, String about, Class<E> type, Consumer<E> taker) {
    return add(option(names, type), about, taker);
  }

  /** An option that may be given several times; the taker gets all of its values. */
  Syntax list(String names, String about, Consumer<List<String>> taker) {
    return add(option(names, List.class).auxiliaryTypes(String.class), about, taker);
  }

  /** A word that must be there, after those that were said before. */
  Syntax parameter(String label, String about, Consumer<String> taker) {
    return add(parameter(label, String.class, "1").required(true), about, taker);
  }

  /** A word that may be there, after those that were said before. */
  Syntax optionalParameter(String label, String about, Consumer<String> taker) {
    return add(parameter(label, String.class, "0..1"), about, taker);
  }

  /** One word or more: all that there are. */
  Syntax parameters(String label, String about, Consumer<List<String>> taker) {
    var words = parameter(label, List.class, "1..*").index("0..*").required(true);
    return add(words.auxiliaryTypes(String.class), about, taker);
  }

  /** Registries that the machine's configuration does not know as insecure. */
  Syntax insecureRegistries(Consumer<List<String>> taker) {
    return list(
        "--insecure-registry=HOST[:PORT]",
        "A registry that speaks HTTP, or TLS that is not verified.",
        taker);
  }

  /** Another local store than the desk's own. */
  Syntax store(Consumer<Path> taker) {
    return option("--store=DIR", "The local store's folder.", text -> taker.accept(Path.of(text)));
  }

  /** The Dockerfile, beside a parameter that is the context. */
  Syntax dockerfile(Consumer<String> taker) {
    return option(
        "-f, --file=FILE",
        "The Dockerfile; - is standard input. Default: CONTEXT/Dockerfile.",
        taker);
  }

  /** Values for the Dockerfile's arguments. */
  Syntax buildArguments(Consumer<List<String>> taker) {
    return list(
        "--build-arg=NAME[=VALUE]",
        "A value for ARG; without a value, that of the environment.",
        taker);
  }

  /** The error of a command line with which the command can do nothing. */
  ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static OptionSpec.Builder option(String names, Class<?> type) {
    int equals = names.indexOf('=');
    return OptionSpec.builder(names(names.substring(0, equals)))
        .paramLabel(names.substring(equals + 1))
        .type(type);
  }

  private static String[] names(String text) {
    List<String> names = new ArrayList<>();
    int start = 0;
    for (int end; (end = text.indexOf(", ", start)) >= 0; start = end + 2) {
      names.add(text.substring(start, end));
    }
    names.add(text.substring(start));
    return names.toArray(new String[0]);
  }

  private PositionalParamSpec.Builder parameter(String label, Class<?> type, String arity) {
    String index = Integer.toString(parameters++);
    return PositionalParamSpec.builder().index(index).paramLabel(label).type(type).arity(arity);
  }

  private Syntax add(OptionSpec.Builder option, String about, Consumer<?> taker) {
    var value = new Value<>(taker);
    option.description(about).getter(value).setter(value).hasInitialValue(false);
    spec.addOption(option.build());
    return this;
  }

  private Syntax add(PositionalParamSpec.Builder parameter, String about, Consumer<?> taker) {
    var value = new Value<>(taker);
    parameter.description(about).getter(value).setter(value).hasInitialValue(false);
    spec.addPositional(parameter.build());
    return this;
  }

  /** For picocli, which wants a factory: commands are made already, so only lists are left. */
  private static <K> K create(Class<K> type) {
    if (type != List.class) {
      throw new IllegalStateException("picocli is not to make a " + type.getName());
    }
    return type.cast(new ArrayList<>());
  }

  /**
   * What was read of one option or parameter. Picocli asks for the values that a list has already,
   * and knows types better than its interfaces say.
   */
  @SuppressWarnings("unchecked")
  private static final class Value<T> implements IGetter, ISetter {
    private final Consumer<T> taker;
    private @Nullable Object read;

    Value(Consumer<T> taker) {
      this.taker = taker;
    }

    @Override
    public <V> @Nullable V get() {
      return (V) read;
    }

    @Override
    public <V> @Nullable V set(V value) {
      Object before = read;
      read = value;
      taker.accept((T) value);
      return (V) before;
    }
  }
}
