package build.kiln.runtime.dockerfile;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One instruction with its meaning. {@link Word}s are as written until {@link Expansion} replaced
 * the variables in them; strings are never expanded.
 */
public sealed interface Instruction {

  /**
   * Where an instruction comes from.
   *
   * @param range from the keyword to the end, continuation lines and here-documents included
   * @param keyword the keyword's place
   * @param text the instruction with its lines joined, without the bodies of here-documents
   * @param comments those between the instruction before it, or an empty comment, and this one; a
   *     line each, without the sign; directives are none
   */
  record Origin(SourceRange range, SourceRange keyword, String text, List<Word> comments) {
    public Origin {
      comments = List.copyOf(comments);
    }
  }

  Origin origin();

  default SourceRange range() {
    return origin().range();
  }

  /** The instruction as written, its lines joined, without the bodies of here-documents. */
  default String original() {
    return origin().text();
  }

  /** The stages and images that files are taken from. */
  default List<Word> froms() {
    return List.of();
  }

  /** The keyword in capitals. */
  String name();

  /** A name and a value, of ENV and LABEL. */
  record Assignment(Word name, Word value) {}

  /**
   * What COPY and ADD share.
   *
   * @param chown user, or user:group, by name or number
   * @param chmod octal digits, or symbolic as chmod(1) reads it
   * @param link the layer must not depend on what the base holds
   * @param excludes patterns as in an ignore file, never expanded
   */
  record FileOptions(
      @Nullable Word chown, @Nullable Word chmod, boolean link, List<Word> excludes) {
    public FileOptions {
      excludes = List.copyOf(excludes);
    }
  }

  /**
   * {@code FROM [--platform=p] image [AS name]}.
   *
   * @param alias null if the stage has no name
   */
  record From(Origin origin, Word image, @Nullable Word platform, @Nullable Alias alias)
      implements Instruction {

    /** {@code AS name}, as written. */
    public record Alias(Word as, Word name) {}

    /** In lower case, or null. */
    public @Nullable String stageName() {
      return alias == null ? null : alias.name().text().toLowerCase(Locale.ROOT);
    }

    @Override
    public String name() {
      return "FROM";
    }
  }

  /**
   * {@code RUN}.
   *
   * @param mounts {@code --mount}, whose values may hold variables
   * @param network default, none or host
   * @param security sandbox or insecure
   * @param devices {@code --device}, as written
   */
  record Run(
      Origin origin,
      CommandLine command,
      List<Heredoc> heredocs,
      List<MountOptions> mounts,
      Word network,
      Word security,
      List<Word> devices)
      implements Instruction {
    public Run {
      heredocs = List.copyOf(heredocs);
      mounts = List.copyOf(mounts);
      devices = List.copyOf(devices);
    }

    @Override
    public String name() {
      return "RUN";
    }

    @Override
    public List<Word> froms() {
      return mounts.stream().flatMap(mount -> mount.from().stream()).toList();
    }

    /** What to run, with the here-documents put in place. */
    public RunScript script() {
      return RunScript.of(this);
    }
  }

  /**
   * {@code COPY}.
   *
   * @param heredocs files whose content stands in the Dockerfile, after the sources in order
   * @param from a stage's name or number, a named context or an image; never holds variables; null
   *     is the build context
   */
  record Copy(
      Origin origin,
      List<Word> sources,
      List<Heredoc> heredocs,
      Word destination,
      FileOptions options,
      @Nullable Word from,
      boolean parents)
      implements Instruction {
    public Copy {
      sources = List.copyOf(sources);
      heredocs = List.copyOf(heredocs);
    }

    @Override
    public String name() {
      return "COPY";
    }

    @Override
    public List<Word> froms() {
      return from == null ? List.of() : List.of(from);
    }
  }

  /**
   * {@code ADD}.
   *
   * @param sources paths, URLs or Git repositories, see {@link AddSource}
   * @param unpack null if not said: local archives are unpacked, downloaded ones are not
   */
  record Add(
      Origin origin,
      List<Word> sources,
      List<Heredoc> heredocs,
      Word destination,
      FileOptions options,
      @Nullable Word checksum,
      boolean keepGitDir,
      @Nullable Boolean unpack)
      implements Instruction {
    public Add {
      sources = List.copyOf(sources);
      heredocs = List.copyOf(heredocs);
    }

    @Override
    public String name() {
      return "ADD";
    }
  }

  /** {@code ENV}: every value sees the environment before the instruction. */
  record Env(Origin origin, List<Assignment> assignments) implements Instruction {
    public Env {
      assignments = List.copyOf(assignments);
    }

    @Override
    public String name() {
      return "ENV";
    }
  }

  /** {@code LABEL}. */
  record Label(Origin origin, List<Assignment> assignments) implements Instruction {
    public Label {
      assignments = List.copyOf(assignments);
    }

    @Override
    public String name() {
      return "LABEL";
    }
  }

  /** {@code ARG}: a default may name an argument that stands before it, in the same line too. */
  record Arg(Origin origin, List<Declaration> declarations) implements Instruction {

    /**
     * One argument.
     *
     * @param defaultWord null if it has none
     */
    public record Declaration(String name, @Nullable Word defaultWord, SourceRange range) {
      public Optional<Word> defaultValue() {
        return Optional.ofNullable(defaultWord);
      }
    }

    public Arg {
      declarations = List.copyOf(declarations);
    }

    @Override
    public String name() {
      return "ARG";
    }
  }

  /** {@code WORKDIR}. */
  record Workdir(Origin origin, Word path) implements Instruction {
    @Override
    public String name() {
      return "WORKDIR";
    }
  }

  /** {@code USER}. */
  record User(Origin origin, Word user) implements Instruction {
    @Override
    public String name() {
      return "USER";
    }
  }

  /** {@code CMD}. */
  record Cmd(Origin origin, CommandLine command) implements Instruction {
    @Override
    public String name() {
      return "CMD";
    }
  }

  /** {@code ENTRYPOINT}. */
  record Entrypoint(Origin origin, CommandLine command) implements Instruction {
    @Override
    public String name() {
      return "ENTRYPOINT";
    }
  }

  /**
   * {@code EXPOSE}.
   *
   * @param ports as written, sorted; after expansion one {@code port/protocol} each, ranges spelled
   *     out
   */
  record Expose(Origin origin, List<Word> ports) implements Instruction {
    public Expose {
      ports = List.copyOf(ports);
    }

    @Override
    public String name() {
      return "EXPOSE";
    }
  }

  /** {@code VOLUME}. */
  record Volume(Origin origin, List<Word> paths) implements Instruction {
    public Volume {
      paths = List.copyOf(paths);
    }

    @Override
    public String name() {
      return "VOLUME";
    }
  }

  /** {@code SHELL}: what runs the shell forms from here on; never empty. */
  record Shell(Origin origin, List<String> command) implements Instruction {
    public Shell {
      command = List.copyOf(command);
    }

    @Override
    public String name() {
      return "SHELL";
    }
  }

  /** {@code STOPSIGNAL}: a number or a name, with SIG or without. */
  record StopSignal(Origin origin, Word signal) implements Instruction {
    @Override
    public String name() {
      return "STOPSIGNAL";
    }
  }

  /**
   * {@code HEALTHCHECK}, as the image's configuration has it.
   *
   * @param test {@code [NONE]}, {@code [CMD, program, argument...]} or {@code [CMD-SHELL, line]}
   * @param interval zero if not given, as are the other durations and the retries
   */
  record Healthcheck(
      Origin origin,
      List<String> test,
      Duration interval,
      Duration timeout,
      Duration startPeriod,
      Duration startInterval,
      int retries)
      implements Instruction {
    public Healthcheck {
      test = List.copyOf(test);
    }

    @Override
    public String name() {
      return "HEALTHCHECK";
    }
  }

  /** {@code MAINTAINER}: the image's author. */
  record Maintainer(Origin origin, String author) implements Instruction {
    @Override
    public String name() {
      return "MAINTAINER";
    }
  }

  /**
   * {@code ONBUILD}.
   *
   * @param trigger the text for the image's configuration, here-documents included
   * @param instruction the same, read; never a FROM, MAINTAINER or ONBUILD
   */
  record Onbuild(Origin origin, String trigger, Instruction instruction) implements Instruction {
    @Override
    public String name() {
      return "ONBUILD";
    }
  }
}
