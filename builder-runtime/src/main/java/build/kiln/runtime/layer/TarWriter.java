package build.kiln.runtime.layer;

import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a tar whose bytes depend on the entries alone: ustar, with PAX records only where ustar
 * has no room, in a fixed order; no access or change times, no user or group names. GNU tar,
 * libarchive and Go's archive/tar read it.
 *
 * <p>A file with a link id that came before becomes a hard link to the first of that id; only these
 * first paths are kept in memory. A hard link's header repeats mode, owner and extended attributes,
 * since those who unpack it set them on the file again, and a changed owner drops capabilities.
 * What a tar cannot hold is a {@link LayerException} (UNREPRESENTABLE), never left out.
 */
public final class TarWriter implements LayerSource.Sink {
  private static final byte[] ZEROS = new byte[2 * TarInput.BLOCK];

  private final OutputStream out;
  private final LayerIndex.@Nullable Builder index;
  private final byte[] buffer = new byte[64 * 1024];
  private final Map<Long, String> firstOfLink = new HashMap<>();
  private long position;

  /** Writes to a stream that the caller closes, after {@link #finish()}. */
  public TarWriter(OutputStream out) {
    this.out = out;
    this.index = null;
  }

  /** Tells the index of everything that it writes. */
  TarWriter(OutputStream out, LayerIndex.Builder index) {
    this.out = out;
    this.index = index;
  }

  @Override
  public void add(EntryMeta entry) throws IOException {
    EntryMeta written = linked(entry).asRead();
    if (written.kind() == Kind.FILE && written.size() != 0) {
      throw new LayerException(
          Code.CONTENT_SIZE,
          "file " + LayerPaths.quote(entry.path()) + " of " + entry.size() + " bytes: no content");
    }
    header(written);
    indexEntry(written);
  }

  @Override
  public void add(EntryMeta entry, InputStream content) throws IOException {
    try (content) {
      EntryMeta written = linked(entry).asRead();
      header(written);
      indexEntry(written);
      if (written.kind() == Kind.FILE) {
        copy(written, content);
      }
    }
  }

  @Override
  public void whiteout(String path) throws IOException {
    checkPath(path);
    String name = LayerPaths.name(path);
    if (name.isEmpty()) {
      throw new LayerException(Code.UNREPRESENTABLE, "the root cannot be removed by a layer");
    }
    marker(LayerPaths.join(LayerPaths.parent(path), LayerPaths.WHITEOUT_PREFIX + name));
    if (index != null) {
      index.whiteout(path);
    }
  }

  @Override
  public void opaque(String directory) throws IOException {
    checkPath(directory);
    marker(LayerPaths.join(directory, LayerPaths.OPAQUE_MARKER));
    if (index != null) {
      index.opaque(directory);
    }
  }

  /** Ends the tar: two blocks of zeros. Does not close the stream. */
  public void finish() throws IOException {
    write(ZEROS, ZEROS.length);
    out.flush();
  }

  /** How many bytes were written. */
  public long position() {
    return position;
  }

  private void marker(String path) throws IOException {
    write(TarEncoder.encode(EntryMeta.file(path, 0, 0, 0, 0, 0)));
  }

  /**
   * What was written since the start, by what the reader would tell of it; after {@link #finish()}.
   *
   * @throws IllegalStateException if this writer keeps no index
   */
  LayerIndex index() {
    if (index == null) {
      throw new IllegalStateException("this writer keeps no index");
    }
    return index.build(position);
  }

  /** Says where the content of an entry goes whose header was just written. */
  private void indexEntry(EntryMeta entry) {
    if (index == null) {
      return;
    }
    boolean file = entry.kind() == Kind.FILE;
    index.entry(
        entry,
        file && entry.size() > 0 ? List.of(new Extent(0, position, entry.size())) : List.of());
    if (entry.size() == 0 && index.keeps(entry)) {
      index.small(entry.path(), new byte[0]);
    }
  }

  /** The entry, or the hard link that it is written as. */
  private EntryMeta linked(EntryMeta entry) {
    if (entry.linkId() == 0 || entry.kind() == Kind.HARDLINK || entry.isDirectory()) {
      return entry;
    }
    String first = firstOfLink.putIfAbsent(entry.linkId(), entry.path());
    return first == null ? entry : entry.asHardLinkTo(first);
  }

  private void header(EntryMeta entry) throws IOException {
    checkPath(entry.path());
    String target = entry.linkTarget();
    if (entry.kind() == Kind.HARDLINK || entry.kind() == Kind.SYMLINK) {
      if (target == null || target.isEmpty() || target.indexOf('\0') >= 0) {
        throw new LayerException(
            Code.UNREPRESENTABLE, "link " + LayerPaths.quote(entry.path()) + " has no target");
      }
      if (entry.kind() == Kind.HARDLINK) {
        checkPath(target);
      }
    }
    write(TarEncoder.encode(entry));
  }

  private static void checkPath(String path) throws LayerException {
    if (!LayerPaths.isNormal(path) || path.indexOf('\0') >= 0) {
      throw new LayerException(
          Code.UNSAFE_PATH,
          "cannot write "
              + LayerPaths.quote(path)
              + ": want a path below the root without empty parts, \".\" and \"..\"");
    }
    if (path.length() > LayerPaths.MAX_LENGTH) {
      throw new LayerException(
          Code.UNREPRESENTABLE,
          "cannot write %s: the path has %d characters, and nobody could unpack more than %d; remove it, or give its folders shorter names"
              .formatted(LayerPaths.quote(path), path.length(), LayerPaths.MAX_LENGTH));
    }
    if (LayerPaths.anyComponentStartsWith(path, LayerPaths.WHITEOUT_PREFIX)) {
      throw new LayerException(
          Code.UNREPRESENTABLE,
          "cannot write "
              + LayerPaths.quote(path)
              + ": layers keep names that begin with .wh. for what they remove; rename the file");
    }
  }

  private void copy(EntryMeta entry, InputStream content) throws IOException {
    long left = entry.size();
    if (index != null && index.keeps(entry)) {
      byte[] whole = content.readNBytes((int) left);
      write(whole);
      left -= whole.length;
      index.small(entry.path(), whole);
    }
    while (left > 0) {
      int n = content.read(buffer, 0, (int) Math.min(buffer.length, left));
      if (n < 0) {
        throw sizeError(entry, "it ends " + left + " bytes early");
      }
      write(buffer, n);
      left -= n;
    }
    if (content.read() >= 0) {
      throw sizeError(entry, "there is more");
    }
    write(ZEROS, (int) TarInput.padding(entry.size()));
  }

  private static LayerException sizeError(EntryMeta entry, String how) {
    return new LayerException(
        Code.CONTENT_SIZE,
        "file "
            + LayerPaths.quote(entry.path())
            + " should have "
            + entry.size()
            + " bytes, but "
            + how
            + ": it changed while it was read; build again");
  }

  private void write(byte[] bytes) throws IOException {
    write(bytes, bytes.length);
  }

  private void write(byte[] bytes, int length) throws IOException {
    out.write(bytes, 0, length);
    position += length;
  }
}
