package build.kiln.runtime.build;

import build.kiln.runtime.build.Accounts.Owner;
import build.kiln.runtime.build.CopyPlan.Conflict;
import build.kiln.runtime.build.CopyPlan.DirectoryMaker;
import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.AddSource;
import build.kiln.runtime.dockerfile.Heredoc;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Instruction.Add;
import build.kiln.runtime.dockerfile.Instruction.Copy;
import build.kiln.runtime.dockerfile.Instruction.FileOptions;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.posix.Names;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One COPY or ADD: what it depends on, and making its layer, without an unpacked file system.
 * Closed when it is done or not needed, since sources may hold downloaded files.
 */
final class CopyStep implements AutoCloseable {
  private final BuildSession session;
  private final StageState state;
  private final Instruction instruction;
  private final List<CopySource> sources;
  private final List<Heredoc> heredocs;
  private final Word destination;
  private final FileOptions options;
  private final Origin from;
  private final boolean parents;
  private final FileInputs files = new FileInputs();
  // What --chown names, once it was looked up.
  private @Nullable Owner named;

  /**
   * Where files are taken from.
   *
   * @param chain the hash of all of them if they are an image's or a stage's; null for a context
   * @param epoch the time of all of a context's files
   */
  record Origin(FileTree tree, String words, @Nullable String chain, OptionalLong epoch) {
    /** Of an image or a stage. */
    Origin(FileTree tree, String words, String chain) {
      this(tree, words, chain, OptionalLong.empty());
    }
  }

  static CopyStep of(BuildSession session, StageState state, Copy copy, Origin from)
      throws BuildException {
    IgnoreFile excluded = excluded(session, copy.options());
    var sources = new ArrayList<CopySource>();
    for (Word word : copy.sources()) {
      if (AddSource.of(word.text()) != AddSource.LOCAL) {
        throw StepProblems.at(
            word.range(), "COPY takes no URL and no Git repository", "use ADD for that");
      }
      sources.add(new LocalSource(session, from, word, copy.parents(), excluded, false));
    }
    return new CopyStep(
        session,
        state,
        copy,
        sources,
        copy.heredocs(),
        copy.destination(),
        copy.options(),
        from,
        copy.parents());
  }

  static CopyStep of(BuildSession session, StageState state, Add add, Origin from)
      throws BuildException {
    IgnoreFile excluded = excluded(session, add.options());
    var sources = new ArrayList<CopySource>();
    for (Word word : add.sources()) {
      sources.add(
          switch (AddSource.of(word.text())) {
            case LOCAL -> local(session, from, add, word, excluded);
            case URL ->
                new UrlSource(session, word, add.checksum(), Boolean.TRUE.equals(add.unpack()));
            case GIT -> new GitSource(session, word, add, excluded);
          });
    }
    return new CopyStep(
        session,
        state,
        add,
        sources,
        add.heredocs(),
        add.destination(),
        add.options(),
        from,
        false);
  }

  private static CopySource local(
      BuildSession session, Origin from, Add add, Word word, IgnoreFile excluded)
      throws BuildException {
    if (add.checksum() != null) {
      throw StepProblems.at(
          add.checksum().range(),
          "--checksum is for URLs and Git repositories only",
          "remove it: a file of the build context is what it is");
    }
    boolean unpacks = !Boolean.FALSE.equals(add.unpack());
    return new LocalSource(session, from, word, false, excluded, unpacks);
  }

  private static IgnoreFile excluded(BuildSession session, FileOptions options) {
    IgnoreFile excluded = IgnoreFile.ofPatterns(options.excludes());
    options.excludes().stream()
        .filter(CopyStep::isAnchored)
        .forEach(word -> warnOfAnchor(session, word));
    return excluded;
  }

  private static boolean isAnchored(Word exclude) {
    String pattern = exclude.text().strip();
    return pattern.startsWith("/") || pattern.startsWith("!/");
  }

  private static void warnOfAnchor(BuildSession session, Word exclude) {
    var problem =
        new Problem(
            Problem.Code.BAD_ARGUMENT,
            exclude.range(),
            "the pattern \"%s\" matches nothing".formatted(exclude),
            "patterns of --exclude are relative to each source: leave the first slash away");
    session.progress().warn(problem.summary(), problem);
  }

  private CopyStep(
      BuildSession session,
      StageState state,
      Instruction instruction,
      List<CopySource> sources,
      List<Heredoc> heredocs,
      Word destination,
      FileOptions options,
      Origin from,
      boolean parents) {
    this.session = session;
    this.state = state;
    this.instruction = instruction;
    this.sources = List.copyOf(sources);
    this.heredocs = heredocs;
    this.destination = destination;
    this.options = options;
    this.from = from;
    this.parents = parents;
  }

  /**
   * A hash that is cheap to get: of the instruction and of all files of the stage that it copies
   * from; empty for the context.
   */
  Optional<String> quickKey() throws IOException, BuildException {
    String chain = from.chain();
    if (chain == null) {
      return Optional.empty();
    }
    KeyHash hash = base("copy-chain.3").add(chain);
    sources.forEach(source -> hash.add(source.word().text()));
    return Optional.of(hash.hex());
  }

  /** The hash of all that decides the result: the instruction and the content of what it copies. */
  String contentKey() throws IOException, BuildException {
    KeyHash hash = base("copy.3");
    for (CopySource source : sources) {
      source.addTo(hash, files);
    }
    return hash.hex();
  }

  /** Whether the key does not depend on the steps before. */
  boolean isIndependent() {
    return isIndependent(options);
  }

  /** Whether a step with these options looks at nothing that was there before. */
  static boolean isIndependent(FileOptions options) {
    Word chown = options.chown();
    return options.link() && (chown == null || chown.text().matches("[0-9]+(:[0-9]+)?"));
  }

  /** What the keys are made of; of the files only once the key of the content was made. */
  void describe(StepInputs.Builder inputs) throws IOException, BuildException {
    var words = new ArrayList<String>();
    sources.forEach(source -> words.add(source.word().text()));
    options.excludes().forEach(exclude -> words.add(exclude.text()));
    words.add(destination.text());
    words.add(String.valueOf(text(options.chown())));
    words.add(String.valueOf(text(options.chmod())));
    inputs
        .words(String.join("\n", words))
        .variablesInText(state.values(), state.config().env())
        .files(files);
    Owner owner = owner();
    if (owner != null) {
      inputs.setting("the owner's number", owner.uid() + ":" + owner.gid());
    }
    if (options.link()) {
      // Else it changes with the base, which is told.
      inputs.setting("the time of new directories", state.time());
    }
    for (CopySource source : sources) {
      source.describe(inputs);
    }
    if (!destination.text().startsWith("/")) {
      inputs.setting("the working directory", state.config().workdir());
    }
    if (from.chain() != null) {
      inputs.source(from.words(), from.chain());
    } else {
      from.epoch().ifPresent(time -> inputs.setting("the time of the context's files", time));
    }
  }

  private KeyHash base(String version) throws IOException, BuildException {
    var hash = new KeyHash(version).add(instruction.name());
    hash.add(options.link() ? "link" : state.chain());
    hash.add(Paths.absolute(state.config().workdir(), destination.text()));
    hash.number(destinationIsDirectory() ? 1 : 0);
    sources.forEach(source -> hash.number(source.unpacks() ? 1 : 0));
    // By number: names mean what the base says, and the same numbers make the same layer.
    Owner owner = owner();
    hash.number(owner == null ? -1 : owner.uid()).number(owner == null ? -1 : owner.gid());
    hash.add(text(options.chmod())).number(state.time());
    hash.add(options.excludes().stream().map(Word::text).toList());
    hash.add(parents ? sources.stream().map(source -> source.word().text()).toList() : List.of());
    hash.number(parents ? 1 : 0);
    if (from.chain() == null) {
      // Files have the context's one time, or their own, which are no part of the key.
      hash.number(from.epoch().orElse(-1));
    }
    heredocs.forEach(h -> hash.add(h.fileName()).add(h.content()));
    session.sourceDateEpoch().ifPresent(hash::number);
    return hash;
  }

  private static @Nullable String text(@Nullable Word word) {
    return word == null ? null : word.text();
  }

  /** Makes the layer. */
  Layer execute() throws IOException, BuildException {
    Owner owner = owner();
    ModeChange mode = options.chmod() == null ? null : new ModeChange(options.chmod().text());
    Owner makers = owner == null ? Owner.ROOT : owner;
    int directoryMode = mode != null && mode.isOctal() ? mode.apply(0755, true) : 0755;
    var maker = new DirectoryMaker(directoryMode, makers.uid(), makers.gid(), state.time());
    var plan =
        new CopyPlan(
            options.link() ? path -> Optional.empty() : path -> state.files().lookup(path), maker);
    var target =
        new Copier.Destination(
            Paths.absolute(state.config().workdir(), destination.text()), destinationIsDirectory());
    // Files of images and stages keep their owners; those of the context belong to root.
    boolean fromContext = from.chain() == null;
    var copier = new Copier(plan, target, fromContext ? makers : owner, mode);
    try (var archive = new ArchiveLayer(session.store(), owner)) {
      for (CopySource source : sources) {
        CopySource.Picked picked = source.pick();
        for (Sources.Match match : picked.matches()) {
          copy(source, picked, match, copier, archive, target, plan);
        }
      }
      for (Heredoc heredoc : heredocs) {
        copier.write(heredoc.fileName(), Names.encode(heredoc.content()), state.time());
      }
      return session.write(plan, state);
    } catch (Conflict e) {
      throw StepProblems.at(destination.range(), e);
    }
  }

  private static void copy(
      CopySource source,
      CopySource.Picked picked,
      Sources.Match match,
      Copier copier,
      ArchiveLayer archive,
      Copier.Destination target,
      CopyPlan plan)
      throws IOException, BuildException {
    try {
      if (source.unpacks() && ArchiveLayer.isArchive(picked.tree(), match.entry())) {
        archive.unpack(picked.tree(), match.entry(), target.path(), plan);
      } else {
        copier.copy(picked, match, source.copiesRoot());
      }
    } catch (Conflict e) {
      throw StepProblems.at(source.word().range(), e);
    }
  }

  private boolean destinationIsDirectory() {
    String text = destination.text();
    return text.endsWith("/")
        || text.equals(".")
        || text.endsWith("/.")
        || text.equals("..")
        || text.endsWith("/..");
  }

  private @Nullable Owner owner() throws IOException, BuildException {
    Word chown = options.chown();
    if (chown == null) {
      return null;
    }
    try {
      if (named == null) {
        named = Accounts.read(state.files()::readSmall).owner(chown.text());
      }
      return named;
    } catch (Accounts.UnknownAccount e) {
      throw StepProblems.at(chown.range(), "--chown: " + e.getMessage(), null);
    }
  }

  @Override
  public void close() throws IOException {
    for (CopySource source : sources) {
      source.close();
    }
  }
}
