package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.BulkInputStream;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Rememberable;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileStatus;
import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A local file's content that must stay as it is while it is read: else a layer would hold a
 * mixture that never existed. Whether it did is seen at its end.
 */
final class SteadyFile extends BulkInputStream implements Rememberable {
  private final FileHandle file;
  private final FileStatus before;
  private final EntryMeta meta;
  private final @Nullable StatCache cache;
  private final @Nullable Instant opened;
  private @Nullable FileStatus after;
  private long position;

  private SteadyFile(
      FileHandle file, FileStatus before, EntryMeta meta, @Nullable StatCache cache) {
    this.file = file;
    this.before = before;
    this.meta = meta;
    this.cache = cache;
    this.opened = cache == null ? null : cache.now();
  }

  /**
   * Takes over the handle.
   *
   * @param meta what the file was when its directory was listed
   * @param cache hears of the content's hash
   * @throws ContextException CHANGED if it was written to since
   */
  static SteadyFile open(FileHandle file, EntryMeta meta, @Nullable StatCache cache)
      throws IOException {
    try {
      FileStatus opened = file.opened();
      if (opened.mtimeSeconds() != meta.mtimeSeconds()
          || opened.mtimeNanos() != meta.mtimeNanos()) {
        throw changed(file.label(), "was written to", null);
      }
      return new SteadyFile(file, opened, meta, cache);
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
    // Where sizes can be trusted, that it ends there is seen of the status that is looked at
    // anyway.
    boolean end = cache != null && position == meta.size();
    int count = end ? -1 : file.read(target, offset, length);
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
    if (now.size() > meta.size()) {
      throw changed(file.label(), "has grown beyond " + meta.size() + " bytes", null);
    }
    if (now.mtimeSeconds() != before.mtimeSeconds() || now.mtimeNanos() != before.mtimeNanos()) {
      throw changed(file.label(), "was written to", null);
    }
    after = now;
  }

  @Override
  public void hashedTo(byte[] sha256) {
    if (cache != null && opened != null && after != null) {
      cache.keep(after, opened, sha256);
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
