package build.kiln.runtime.context;

import build.kiln.runtime.layer.FileTree;
import java.util.OptionalLong;

/** No files at all: what a build has whose manifest names no source. */
public final class EmptyContext implements BuildContext {
  private final MemoryTree tree = new MemoryTree(0);

  @Override
  public FileTree tree() {
    return tree;
  }

  @Override
  public OptionalLong epoch() {
    return OptionalLong.of(0);
  }

  @Override
  public void close() {}
}
