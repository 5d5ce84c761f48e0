package build.kiln.runtime.context;

import build.kiln.runtime.layer.FileTree;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/** Build files, and what is known of where they come from. */
public interface BuildContext extends AutoCloseable {
  /** The files. */
  FileTree tree();

  /** The commit, for Git. */
  Optional<String> revision();

  /**
   * Seconds since the epoch that every file of this context has as its time; empty if files keep
   * their own, as in a folder at a desk.
   */
  OptionalLong epoch();

  /**
   * A small file such as the Dockerfile, links followed inside the context as in a chroot; empty if
   * there is none.
   *
   * @param max the most bytes it may have
   */
  Optional<byte[]> read(String path, int max) throws IOException;

  @Override
  void close() throws IOException;
}
