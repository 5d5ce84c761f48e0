package build.kiln.runtime.build;

import build.kiln.runtime.cache.FileInputs;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.Word;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/** One source of COPY or ADD. What it holds open is given up by {@link #close}. */
interface CopySource extends AutoCloseable {

  /**
   * What is copied.
   *
   * @param tree hashes what is read of it, for the key
   * @param selection which of the directories among the matches is copied
   * @param time of all that is copied, in seconds since the epoch; empty if it keeps its own
   */
  record Picked(
      HashingTree tree, List<Sources.Match> matches, Selection selection, OptionalLong time) {}

  /** As it stands in the Dockerfile. */
  Word word();

  /**
   * Adds to a key all that decides what is copied, with as little work as that takes.
   *
   * @param seen hears of the files whose content counts
   */
  void addTo(KeyHash key, FileInputs seen) throws IOException, BuildException;

  /** What was added to the key, besides files. */
  default void describe(StepInputs.Builder inputs) throws IOException, BuildException {}

  /** Finds what is copied, or fetches it. */
  Picked pick() throws IOException, BuildException;

  /** Whether archives are unpacked instead of being copied. */
  boolean unpacks();

  /** Whether a directory that is a match counts itself, where the destination is not there. */
  default boolean copiesRoot() {
    return false;
  }

  @Override
  default void close() throws IOException {}
}
