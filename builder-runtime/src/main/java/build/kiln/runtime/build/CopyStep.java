package build.kiln.runtime.build;

import build.kiln.runtime.build.Accounts.Owner;
import build.kiln.runtime.build.CopyPlan.Conflict;
import build.kiln.runtime.build.CopyPlan.DirectoryMaker;
import build.kiln.runtime.dockerfile.Heredoc;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Instruction.Add;
import build.kiln.runtime.dockerfile.Instruction.Copy;
import build.kiln.runtime.dockerfile.Instruction.FileOptions;
import build.kiln.runtime.dockerfile.Wildcard;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.posix.Names;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One COPY or ADD: what it depends on, and making its layer, without an unpacked file system. */
final class CopyStep {
  private final BuildSession session;
  private final StageState state;
  private final Instruction instruction;
  private final List<Word> sources;
  private final List<Heredoc> heredocs;
  private final Word destination;
  private final FileOptions options;
  private final Origin from;
  private final boolean unpacks;
  private @Nullable List<Found> found;

  /**
   * Where files are taken from.
   *
   * @param chain the hash of all of them if they are an image's or a stage's; null for the context
   */
  record Origin(FileTree tree, String words, @Nullable String chain) {}

  /** A source and what it stands for. */
  private record Found(Word source, List<Sources.Match> matches) {}

  static CopyStep of(BuildSession session, StageState state, Copy copy, Origin from) {
    return new CopyStep(
        session,
        state,
        copy,
        copy.sources(),
        copy.heredocs(),
        copy.destination(),
        copy.options(),
        from,
        false);
  }

  static CopyStep of(BuildSession session, StageState state, Add add, Origin from) {
    return new CopyStep(
        session,
        state,
        add,
        add.sources(),
        add.heredocs(),
        add.destination(),
        add.options(),
        from,
        !Boolean.FALSE.equals(add.unpack()));
  }

  private CopyStep(
      BuildSession session,
      StageState state,
      Instruction instruction,
      List<Word> sources,
      List<Heredoc> heredocs,
      Word destination,
      FileOptions options,
      Origin from,
      boolean unpacks) {
    this.session = session;
    this.state = state;
    this.instruction = instruction;
    this.sources = sources;
    this.heredocs = heredocs;
    this.destination = destination;
    this.options = options;
    this.from = from;
    this.unpacks = unpacks;
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
    KeyHash hash = base("copy-chain.2").add(chain);
    sources.forEach(source -> hash.add(source.text()));
    return Optional.of(hash.hex());
  }

  /** The hash of all that decides the result: the instruction and the content of what it copies. */
  String contentKey() throws IOException, BuildException {
    KeyHash hash = base("copy.2");
    var digest = new ContentDigest(from.tree(), from.chain() != null);
    for (Found source : found()) {
      hash.number(source.matches().size());
      for (Sources.Match match : source.matches()) {
        hash.add(match.name()).add(digest.of(match.entry()));
      }
    }
    return hash.hex();
  }

  private KeyHash base(String version) throws IOException, BuildException {
    var hash = new KeyHash(version).add(instruction.name());
    hash.add(options.link() ? "link" : state.chain());
    hash.add(Paths.absolute(state.config().workdir(), destination.text()));
    hash.number(destinationIsDirectory() ? 1 : 0).number(unpacks ? 1 : 0);
    // By number: names mean what the base says, and the same numbers make the same layer.
    Owner owner = owner();
    hash.number(owner == null ? -1 : owner.uid()).number(owner == null ? -1 : owner.gid());
    hash.add(text(options.chmod())).number(state.time());
    if (from.chain() == null) {
      // Files have the context's one time, or their own, which are no part of the key.
      hash.number(session.request().context().epoch().orElse(-1));
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
    try (var archive = new ArchiveLayer(session.store(), owner, state.time())) {
      for (Found source : found()) {
        for (Sources.Match match : source.matches()) {
          copy(source.source(), match, copier, archive, target, plan);
        }
      }
      for (Heredoc heredoc : heredocs) {
        copier.write(heredoc.fileName(), Names.encode(heredoc.content()), state.time());
      }
      return session.store().layers().write(plan, session.request().compression());
    } catch (Conflict e) {
      throw StepProblems.at(destination.range(), e);
    }
  }

  private void copy(
      Word source,
      Sources.Match match,
      Copier copier,
      ArchiveLayer archive,
      Copier.Destination target,
      CopyPlan plan)
      throws IOException, BuildException {
    try {
      if (unpacks && ArchiveLayer.isArchive(from.tree(), match.entry())) {
        archive.unpack(from.tree(), match.entry(), target.path(), plan);
      } else {
        copier.copy(from.tree(), match);
      }
    } catch (Conflict e) {
      throw StepProblems.at(source.range(), e);
    }
  }

  private boolean destinationIsDirectory() {
    String text = destination.text();
    return sources.size() + heredocs.size() > 1
        || text.endsWith("/")
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
      return Accounts.read(state.files()::readSmall).owner(chown.text());
    } catch (Accounts.UnknownAccount e) {
      throw StepProblems.at(chown.range(), "--chown: " + e.getMessage(), null);
    }
  }

  private List<Found> found() throws IOException, BuildException {
    if (found == null) {
      var all = new ArrayList<Found>();
      var finder = new Sources(from.tree());
      for (Word source : sources) {
        Wildcard wildcard = Wildcard.of(source);
        List<Sources.Match> matches = finder.find(wildcard);
        if (matches.isEmpty() && !wildcard.hasWildcards()) {
          throw MissingSource.of(source, wildcard.prefix(), from, session.contextTree());
        }
        all.add(new Found(source, matches));
      }
      found = all;
    }
    return found;
  }
}
