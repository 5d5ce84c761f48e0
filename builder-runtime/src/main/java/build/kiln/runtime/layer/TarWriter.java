package build.kiln.runtime.layer;

import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes a tar whose bytes depend on the entries alone: ustar, with PAX records only where ustar
 * has no room, in a fixed order; no access or change times, no user or group names. GNU tar,
 * libarchive and Go's archive/tar read it.
 *
 * <p>A file with a link id that came before becomes a hard link to the first of that id; only these
 * first paths are kept in memory. What a tar cannot hold is a {@link LayerException}
 * (UNREPRESENTABLE), never left out.
 */
public final class TarWriter implements LayerSource.Sink {
  private static final byte[] ZEROS = new byte[2 * TarInput.BLOCK];

  private final OutputStream out;
  private final byte[] buffer = new byte[64 * 1024];
  private final Map<Long, String> firstOfLink = new HashMap<>();
  private long position;

  /** Writes to a stream that the caller closes, after {@link #finish()}. */
  public TarWriter(OutputStream out) {
    this.out = out;
  }

  @Override
  public void add(EntryMeta entry) throws IOException {
    EntryMeta written = linked(entry);
    if (written.kind() == Kind.FILE && written.size() != 0) {
      throw new LayerException(
          Code.CONTENT_SIZE,
          "file " + LayerPaths.quote(entry.path()) + " of " + entry.size() + " bytes: no content");
    }
    header(written);
  }

  @Override
  public void add(EntryMeta entry, InputStream content) throws IOException {
    try (content) {
      EntryMeta written = linked(entry);
      header(written);
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
  }

  @Override
  public void opaque(String directory) throws IOException {
    checkPath(directory);
    marker(LayerPaths.join(directory, LayerPaths.OPAQUE_MARKER));
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
    if (entry.kind() == Kind.HARDLINK && entry.linkTarget() != null) {
      checkPath(entry.linkTarget());
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
