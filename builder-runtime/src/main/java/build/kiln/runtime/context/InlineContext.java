package build.kiln.runtime.context;

import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import build.kiln.runtime.layer.FileTree;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;

/** Files that are written in the manifest ({@code spec.source.inline}). */
public final class InlineContext implements BuildContext {
  private final MemoryTree tree;
  private final long epoch;

  private InlineContext(MemoryTree tree, long epoch) {
    this.tree = tree;
    this.epoch = epoch;
  }

  /** The files, with {@link BuildContext#FIXED_TIME}. See {@link #of(List, long)}. */
  public static InlineContext of(List<InlineFile> files) throws ContextException {
    return of(files, FIXED_TIME);
  }

  /**
   * The files, all of them root's, their directories of mode 0755.
   *
   * @param epoch seconds since the epoch, the time of every file
   * @throws ContextException INVALID for paths that contradict each other or lead outside
   */
  public static InlineContext of(List<InlineFile> files, long epoch) throws ContextException {
    var tree = new MemoryTree(epoch);
    for (InlineFile file : files) {
      tree.add(
          "source.inline",
          file.path(),
          file.mode(),
          file.content().getBytes(StandardCharsets.UTF_8));
    }
    return new InlineContext(tree, epoch);
  }

  @Override
  public FileTree tree() {
    return tree;
  }

  @Override
  public OptionalLong epoch() {
    return OptionalLong.of(epoch);
  }

  @Override
  public void close() {}
}
