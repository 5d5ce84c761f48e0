package build.kiln.runtime.build;

import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.layer.FileTree;
import java.io.IOException;
import java.util.OptionalLong;

/** Files as of a commit of this time. */
record CommittedContext(BuildContext files, long time) implements BuildContext {
  @Override
  public FileTree tree() {
    return files.tree();
  }

  @Override
  public OptionalLong epoch() {
    return files.epoch();
  }

  @Override
  public OptionalLong created() {
    return OptionalLong.of(time);
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
