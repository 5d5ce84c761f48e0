package build.kiln.runtime.build;

import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.context.ContextException;
import build.kiln.runtime.context.GitCheckout;
import build.kiln.runtime.context.GitCheckout.Revision;
import build.kiln.runtime.dockerfile.GitReference;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction.Add;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.EntryMeta;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A Git repository that ADD copies, or a folder of it. The commit decides the key, so that a step
 * in the cache needs no more than a look at the repository's refs, and nothing at all if the commit
 * is given.
 */
final class GitSource implements CopySource {
  private final BuildSession session;
  private final Word word;
  private final GitReference reference;
  private final boolean gitDirectory;
  private final @Nullable String checksum;
  private final Word checksumWord;
  private final IgnoreFile excluded;
  private @Nullable Revision revision;
  private @Nullable Path folder;
  private @Nullable GitCheckout checkout;

  /**
   * @throws BuildException if flags and URL contradict each other
   */
  GitSource(BuildSession session, Word word, Add add, IgnoreFile excluded) throws BuildException {
    this.session = session;
    this.word = word;
    this.reference = GitReference.of(word);
    this.excluded = excluded;
    if (add.keepGitDir() && Boolean.FALSE.equals(reference.keepGitDir())) {
      throw StepProblems.at(
          word.range(),
          "--keep-git-dir and the URL's keep-git-dir contradict each other",
          "remove one of them");
    }
    this.gitDirectory = add.keepGitDir() || Boolean.TRUE.equals(reference.keepGitDir());
    Word given = add.checksum();
    this.checksumWord = given == null ? word : given;
    this.checksum = given == null ? reference.checksum() : given.text();
    check(given);
  }

  private void check(@Nullable Word given) throws BuildException {
    if (checksum != null && !GitReference.isChecksum(checksum)) {
      throw StepProblems.at(
          checksumWord.range(),
          "the checksum of a Git repository is no commit: \"%s\"".formatted(checksum),
          "the first hexadecimal digits of the commit, or all 40");
    }
    String other = reference.checksum();
    if (given != null && other != null && !other.equals(given.text())) {
      throw StepProblems.at(
          given.range(),
          "--checksum=%s and the URL's %s contradict each other".formatted(given, other),
          "remove one of them");
    }
  }

  @Override
  public Word word() {
    return word;
  }

  @Override
  public boolean unpacks() {
    return false;
  }

  @Override
  public boolean copiesRoot() {
    return true;
  }

  @Override
  public void addTo(KeyHash key, FileInputs seen) throws IOException, BuildException {
    Revision found = revision();
    key.add("git").add(found.commit()).add(reference.folder());
    key.number(reference.submodules() ? 1 : 0).number(gitDirectory ? 1 : 0);
    if (gitDirectory) {
      key.add(reference.url()).add(found.ref()).add(found.object());
    }
  }

  @Override
  public void describe(StepInputs.Builder inputs) throws IOException, BuildException {
    inputs.setting("the commit of " + reference.url(), revision().commit());
  }

  private Revision revision() throws IOException, BuildException {
    if (revision == null) {
      Revision found =
          told(
              "look up " + reference.url(),
              () -> GitCheckout.resolve(reference.url(), reference.revision(), session.git()));
      verify(found);
      revision = found;
    }
    return revision;
  }

  private void verify(Revision found) throws BuildException {
    if (checksum != null
        && !found.commit().startsWith(checksum)
        && !found.object().startsWith(checksum)) {
      boolean tag = !found.object().equals(found.commit());
      throw StepProblems.at(
          checksumWord.range(),
          "%s is the commit %s%s, not %s"
              .formatted(
                  word, found.commit(), tag ? " (tag " + found.object() + ")" : "", checksum),
          "if that commit is right, write it here");
    }
  }

  @Override
  public Picked pick() throws IOException, BuildException {
    if (checkout == null) {
      Revision found = revision();
      Path scratch = session.store().scratch("git");
      folder = scratch;
      checkout =
          told(
              "fetch " + reference.url(),
              () ->
                  GitCheckout.fetch(
                      reference.url(),
                      found,
                      new GitCheckout.Wanted(
                          reference.folder(), gitDirectory, reference.submodules()),
                      session.git(),
                      scratch));
    }
    EntryMeta root = checkout.tree().lookup("").orElseThrow();
    return new Picked(
        new HashingTree(checkout.tree()),
        List.of(new Sources.Match("", root)),
        Selection.of(null, excluded),
        OptionalLong.empty());
  }

  @FunctionalInterface
  private interface Work<T> {
    T run() throws IOException;
  }

  /** Does something that asks the repository's server, and says where it failed. */
  private <T> T told(String what, Work<T> work) throws IOException, BuildException {
    BuildProgress.Activity activity = session.progress().internal(what);
    try {
      T result = work.run();
      activity.done();
      return result;
    } catch (ContextException e) {
      activity.failed(e.getMessage());
      throw new BuildException(
          Failures.reason(e), StepProblems.text(word.range(), Failures.message(e), null), e);
    } catch (IOException e) {
      activity.failed(e.getMessage());
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    if (checkout != null) {
      checkout.close();
    }
    if (folder != null) {
      Files.deleteIfExists(folder);
    }
  }
}
