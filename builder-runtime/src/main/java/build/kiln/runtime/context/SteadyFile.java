package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.BulkInputStream;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileStatus;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A local file's content that must stay as it is while it is read: else a layer would hold a
 * mixture that never existed. Whether it did is seen at its end.
 */
final class SteadyFile extends BulkInputStream {
  private final FileHandle file;
  private final FileStatus before;
  private final EntryMeta meta;
  private long position;

  private SteadyFile(FileHandle file, FileStatus before, EntryMeta meta) {
    this.file = file;
    this.before = before;
    this.meta = meta;
  }

  /** Takes over the handle. */
  static SteadyFile open(FileHandle file, EntryMeta meta) throws IOException {
    try {
      return new SteadyFile(file, file.status(), meta);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  static ContextException changed(String where, String how, @Nullable Throwable cause) {
    String message =
        "%s %s: it changed while the build read it; build again when nothing writes to the context"
            .formatted(where, how);
    return cause == null
        ? new ContextException(Code.CHANGED, message)
        : new ContextException(Code.CHANGED, message, cause);
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    int count = file.read(target, offset, length);
    if (count < 0) {
      checkSteady();
    } else {
      position += count;
      if (position > meta.size()) {
        throw changed(file.label(), "has grown beyond " + meta.size() + " bytes", null);
      }
    }
    return count;
  }

  private void checkSteady() throws IOException {
    if (position != meta.size()) {
      throw changed(file.label(), "has " + position + " bytes instead of " + meta.size(), null);
    }
    FileStatus now = file.status();
    if (now.mtimeSeconds() != before.mtimeSeconds() || now.mtimeNanos() != before.mtimeNanos()) {
      throw changed(file.label(), "was written to", null);
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
