package build.kiln.runtime.build;

import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.PivotPath;
import build.kiln.runtime.dockerfile.Wildcard;
import build.kiln.runtime.dockerfile.Word;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** A path in the build context, a stage or an image, perhaps with wildcards. */
final class LocalSource implements CopySource {
  private final BuildSession session;
  private final CopyStep.Origin from;
  private final Word word;
  private final boolean parents;
  private final IgnoreFile excluded;
  private final boolean unpacks;
  private @Nullable Picked picked;

  /**
   * @param parents whether directories on the way are kept
   */
  LocalSource(
      BuildSession session,
      CopyStep.Origin from,
      Word word,
      boolean parents,
      IgnoreFile excluded,
      boolean unpacks) {
    this.session = session;
    this.from = from;
    this.word = word;
    this.parents = parents;
    this.excluded = excluded;
    this.unpacks = unpacks;
  }

  @Override
  public Word word() {
    return word;
  }

  @Override
  public boolean unpacks() {
    return unpacks;
  }

  @Override
  public void addTo(KeyHash key, FileInputs seen) throws IOException, BuildException {
    Picked found = pick();
    var digest = new ContentDigest(found.tree(), from.chain() != null, seen);
    key.number(found.matches().size());
    for (Sources.Match match : found.matches()) {
      key.add(match.name()).add(digest.of(match.entry(), found.selection()));
    }
  }

  @Override
  public Picked pick() throws IOException, BuildException {
    if (picked == null) {
      picked = parents ? withParents() : find(word, null);
    }
    return picked;
  }

  /** When the files of a context were written says when it was unpacked, and not what they are. */
  private OptionalLong time() {
    boolean itsOwn = from.chain() == null && from.epoch().isEmpty();
    return itsOwn ? session.sourceDateEpoch() : OptionalLong.empty();
  }

  private Picked find(Word path, @Nullable IgnoreFile included) throws IOException, BuildException {
    Wildcard wildcard = Wildcard.of(path);
    List<Sources.Match> matches = new Sources(from.tree()).find(wildcard);
    if (matches.isEmpty() && !wildcard.hasWildcards()) {
      throw MissingSource.of(word, wildcard.prefix(), from, session.contextTree());
    }
    return new Picked(
        new HashingTree(from.tree()), matches, Selection.of(included, excluded), time());
  }

  /** What stands before the pivot names directories, what stands after it is taken from them. */
  private Picked withParents() throws IOException, BuildException {
    PivotPath pivot = PivotPath.of(word);
    if (pivot.pattern().isEmpty()) {
      throw StepProblems.at(
          word.range(),
          "with --parents, \"%s\" stands for nothing".formatted(word),
          "write \"%s\" for all that is in it".formatted(pivot.everything()));
    }
    Optional<String> required = pivot.required();
    if (required.isPresent() && from.tree().lookup(required.get()).isEmpty()) {
      throw MissingSource.withParents(word, required.get(), from, session.contextTree());
    }
    IgnoreFile included = IgnoreFile.ofPatterns(List.of(new Word(pivot.pattern(), word.range())));
    return find(new Word(pivot.base(), word.range()), included);
  }
}
