package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.Add;
import build.kiln.runtime.dockerfile.Instruction.Arg;
import build.kiln.runtime.dockerfile.Instruction.Assignment;
import build.kiln.runtime.dockerfile.Instruction.Cmd;
import build.kiln.runtime.dockerfile.Instruction.Copy;
import build.kiln.runtime.dockerfile.Instruction.Entrypoint;
import build.kiln.runtime.dockerfile.Instruction.Env;
import build.kiln.runtime.dockerfile.Instruction.Expose;
import build.kiln.runtime.dockerfile.Instruction.FileOptions;
import build.kiln.runtime.dockerfile.Instruction.From;
import build.kiln.runtime.dockerfile.Instruction.Healthcheck;
import build.kiln.runtime.dockerfile.Instruction.Label;
import build.kiln.runtime.dockerfile.Instruction.Maintainer;
import build.kiln.runtime.dockerfile.Instruction.Onbuild;
import build.kiln.runtime.dockerfile.Instruction.Run;
import build.kiln.runtime.dockerfile.Instruction.Shell;
import build.kiln.runtime.dockerfile.Instruction.StopSignal;
import build.kiln.runtime.dockerfile.Instruction.User;
import build.kiln.runtime.dockerfile.Instruction.Volume;
import build.kiln.runtime.dockerfile.Instruction.Workdir;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Replaces variables, quotes and escapes in one instruction, with the environment it sees. One
 * environment holds for the whole instruction: {@code ENV a=1 b=$a} gives b the a of before.
 *
 * <p>Expanded are: FROM's image and platform; sources, destination, owner, mode, checksum and
 * here-documents of COPY and ADD; names and values of ENV and LABEL; defaults of ARG; the words of
 * EXPOSE, STOPSIGNAL, USER, VOLUME and WORKDIR; the values of RUN's mounts. Nothing else is.
 *
 * <p>Immutable and safe for use by several threads.
 */
public final class Expansion {
  private static final int LONGEST_QUOTE = 60;

  private final ShellWord words;

  /** Here-documents keep quotes, and their escape character is always the backslash. */
  private final ShellWord documents = ShellWord.with('\\').withLiteralQuotes();

  private Expansion(char escape) {
    this.words = ShellWord.with(escape);
  }

  /**
   * Expansion with that escape character.
   *
   * @param escape the file's escape character, {@link Directives#escape()}
   */
  public static Expansion of(char escape) {
    return new Expansion(escape);
  }

  /**
   * The same instruction with its words expanded, and checked where only the value can be: modes,
   * signals, ports, paths that must not be empty.
   *
   * @param variables what the instruction sees; a name without a value is empty
   * @throws DockerfileException with the word's place, if it cannot be expanded or does not fit
   */
  public <I extends Instruction> I expand(
      I instruction, Function<String, Optional<String>> variables) {
    @SuppressWarnings("unchecked") // Every case gives the type it takes.
    I expanded = (I) new Pass(variables).instruction(instruction);
    return expanded;
  }

  /** One word, such as ARG's default. */
  public Word expand(Word word, Function<String, Optional<String>> variables) {
    return new Pass(variables).word(word);
  }

  /**
   * The names that an instruction asks for and that have no value: empty in the result, and most
   * often a mistake.
   */
  public Set<String> undefined(
      Instruction instruction, Function<String, Optional<String>> variables) {
    var pass = new Pass(variables);
    pass.instruction(instruction);
    return pass.undefined;
  }

  private final class Pass {
    private final Function<String, Optional<String>> variables;
    private final Set<String> undefined = new TreeSet<>();

    /** What to do if a word ends too early, since a space is in it. */
    private String spaces = "a word with spaces in it must be in double quotes";

    Pass(Function<String, Optional<String>> variables) {
      this.variables = variables;
    }

    Instruction instruction(Instruction instruction) {
      if (instruction instanceof Copy
          || instruction instanceof Add
          || instruction instanceof Volume) {
        spaces = "paths with spaces in them need the JSON form: [\"a b\", \"/c\"]";
      }
      return switch (instruction) {
        case From i -> new From(i.origin(), word(i.image()), orNull(i.platform()), i.alias());
        case Run i ->
            new Run(
                i.origin(),
                i.command(),
                i.heredocs(),
                i.mounts().stream().map(this::mount).toList(),
                i.network(),
                i.security(),
                i.devices());
        case Copy i ->
            new Copy(
                i.origin(),
                all(i.sources()),
                documents(i.heredocs()),
                word(i.destination()),
                options(i.options()),
                i.from(),
                i.parents());
        case Add i ->
            new Add(
                i.origin(),
                all(i.sources()),
                documents(i.heredocs()),
                word(i.destination()),
                options(i.options()),
                orNull(i.checksum()),
                i.keepGitDir(),
                i.unpack());
        case Env i -> new Env(i.origin(), assignments(i.name(), i.assignments()));
        case Label i -> new Label(i.origin(), assignments(i.name(), i.assignments()));
        case Arg i -> new Arg(i.origin(), declarations(i.declarations()));
        case Workdir i -> new Workdir(i.origin(), word(i.path()));
        case User i -> new User(i.origin(), word(i.user()));
        case Expose i -> new Expose(i.origin(), ports(i.ports()));
        case Volume i -> new Volume(i.origin(), paths(i.paths()));
        case StopSignal i -> new StopSignal(i.origin(), Signals.check(word(i.signal())));
        case Cmd i -> i;
        case Entrypoint i -> i;
        case Shell i -> i;
        case Healthcheck i -> i;
        case Maintainer i -> i;
        case Onbuild i -> i;
      };
    }

    Word word(Word word) {
      return word.withText(process(words, word.text(), word.range()).text());
    }

    private ShellWord.Result process(ShellWord how, String text, SourceRange range) {
      try {
        ShellWord.Result result = how.process(text, variables);
        undefined.addAll(result.undefined());
        return result;
      } catch (ShellWord.Failure e) {
        throw new DockerfileException(
            Problem.Code.EXPANSION,
            range,
            "cannot expand " + quote(text) + ": " + e.getMessage(),
            e.isOpen() ? spaces : null);
      }
    }

    private static String quote(String text) {
      int newline = text.indexOf('\n');
      int end = Math.min(newline < 0 ? text.length() : newline, LONGEST_QUOTE);
      return "\"" + text.substring(0, end) + (end < text.length() ? "\u2026" : "") + "\"";
    }

    private @Nullable Word orNull(@Nullable Word word) {
      return word == null ? null : word(word);
    }

    private List<Word> all(List<Word> list) {
      return list.stream().map(this::word).toList();
    }

    private List<Heredoc> documents(List<Heredoc> heredocs) {
      return heredocs.stream()
          .map(h -> h.expands() ? h.withText(process(documents, h.content(), h.range()).text()) : h)
          .toList();
    }

    private FileOptions options(FileOptions options) {
      Word chmod = orNull(options.chmod());
      return new FileOptions(
          orNull(options.chown()),
          chmod == null ? null : FileMode.check(chmod),
          options.link(),
          options.excludes());
    }

    private List<Assignment> assignments(String keyword, List<Assignment> assignments) {
      var expanded = new ArrayList<Assignment>();
      for (Assignment assignment : assignments) {
        Word name = word(assignment.name());
        if (name.isEmpty()) {
          throw new DockerfileException(
              Problem.Code.EXPANSION,
              name.range(),
              keyword + " names can not be blank",
              "\"" + assignment.name() + "\" is empty here");
        }
        expanded.add(new Assignment(name, word(assignment.value())));
      }
      return expanded;
    }

    private List<Arg.Declaration> declarations(List<Arg.Declaration> declarations) {
      Map<String, String> before = new HashMap<>();
      var expanded = new ArrayList<Arg.Declaration>();
      var pass =
          new Pass(name -> Optional.ofNullable(before.get(name)).or(() -> variables.apply(name)));
      for (Arg.Declaration declaration : declarations) {
        Word value =
            declaration.defaultWord() == null ? null : pass.word(declaration.defaultWord());
        if (value != null) {
          before.put(declaration.name(), value.text());
        }
        expanded.add(new Arg.Declaration(declaration.name(), value, declaration.range()));
      }
      undefined.addAll(pass.undefined);
      return expanded;
    }

    private List<Word> ports(List<Word> list) {
      var ports = new ArrayList<Word>();
      for (Word word : list) {
        for (String spec : process(words, word.text(), word.range()).words()) {
          ExposedPorts.parse(new Word(spec, word.range())).forEach(ports::add);
        }
      }
      return ports;
    }

    private List<Word> paths(List<Word> list) {
      List<Word> paths = all(list);
      for (Word path : paths) {
        if (path.isEmpty()) {
          throw new DockerfileException(
              Problem.Code.EXPANSION, path.range(), "a VOLUME cannot be an empty string", null);
        }
      }
      return paths;
    }

    private MountOptions mount(MountOptions mount) {
      var options = new ArrayList<MountOptions.Option>();
      for (MountOptions.Option option : mount.options()) {
        options.add(new MountOptions.Option(option.key(), orNull(option.value())));
      }
      return new MountOptions(mount.spec(), options);
    }
  }
}
