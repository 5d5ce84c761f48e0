package build.kiln.runtime.context;

import build.kiln.runtime.layer.FileTree;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Build files and what is known of where they come from. Safe for use by several threads until it
 * is closed.
 */
public interface BuildContext extends AutoCloseable {
  /**
   * The files, with the owners and modes they have where they come from; COPY and ADD set owners.
   * Nothing of it is hidden by an ignore file, see {@link IgnoringTree}.
   */
  FileTree tree();

  /** The commit, for a context from Git: 40 hexadecimal digits. */
  default Optional<String> revision() {
    return Optional.empty();
  }

  /**
   * 1 February 1980 in seconds: the time of files whose source says none, and of a source's files
   * from Git. A layer of files that did not change is then the same after every commit, and found
   * in the cache. Zip archives, which steps make of such files, know no time before 1980 anywhere.
   */
  long FIXED_TIME = 318_211_200;

  /**
   * Seconds since the epoch that every file of this context has as its time; empty if files keep
   * their own.
   */
  OptionalLong epoch();

  /**
   * When the source was made, in seconds since the epoch: the commit's time. Empty if none says.
   */
  default OptionalLong created() {
    return OptionalLong.empty();
  }

  /**
   * Reads a small file, such as the Dockerfile, following symbolic links as a process does whose
   * root is the context; empty if there is none.
   *
   * @param path relative to the context's root
   * @param max the most bytes it may have
   * @throws ContextException TOO_LARGE if it has more; INVALID if it is no file, or leads through
   *     more than 40 links
   */
  default Optional<byte[]> read(String path, int max) throws IOException {
    return Links.read(tree(), path, max);
  }

  /** Gives up what it holds: open directories, unfinished files. */
  @Override
  void close() throws IOException;
}
