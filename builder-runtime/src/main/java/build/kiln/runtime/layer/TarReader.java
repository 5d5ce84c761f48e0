package build.kiln.runtime.layer;

import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.posix.Names;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tar as a stream: ustar, GNU's long names, base-256 numbers and sparse files, PAX. Memory
 * does not grow with the tar, but for the index of who wants one. Whatever the bytes are, it ends,
 * with an error that names the place.
 *
 * <p>Where formats contradict each other it reads as Go's archive/tar does, since that is what most
 * images are made and unpacked with, so that no other tool sees another tree than Kiln: GNU's long
 * names over PAX over the header; only files have content, whatever size another entry claims.
 *
 * <p>Names are in the form of {@link EntryMeta}; a name or a hard link's target with a component
 * {@code ..} is an error (UNSAFE_PATH). A hard link's target is a path, a symbolic link's is left
 * as it is. Owners are unsigned 32-bit numbers.
 */
public final class TarReader implements Closeable {
  private final TarInput in;
  private final boolean whiteouts;
  private final LayerIndex.@Nullable Builder index;
  private final byte[] block = new byte[TarInput.BLOCK];
  private final PaxRecords globals = new PaxRecords();
  private @Nullable EntryContent content;
  private boolean ended;

  private TarReader(
      InputStream in, String what, boolean whiteouts, LayerIndex.@Nullable Builder index) {
    this.in = new TarInput(in, what);
    this.whiteouts = whiteouts;
    this.index = index;
  }

  /**
   * Reads a layer: {@code .wh.} names become {@link LayerEvent.Whiteout} and {@link
   * LayerEvent.Opaque}, AUFS's own files are skipped.
   *
   * @param what names the stream in messages
   */
  public static TarReader ofLayer(InputStream in, String what) {
    return new TarReader(in, what, true, null);
  }

  /** As {@link #ofLayer}, and {@link #index} tells what it was. */
  public static TarReader ofIndexedLayer(InputStream in, String what) {
    return new TarReader(in, what, true, new LayerIndex.Builder());
  }

  /** Reads a tar that is no layer: every name is just a name. */
  public static TarReader ofArchive(InputStream in, String what) {
    return new TarReader(in, what, false, null);
  }

  /**
   * Whether a stream, compressed or not, begins as a tar with an entry; closes it.
   *
   * @param what names the stream in messages
   */
  public static boolean isArchive(InputStream in, String what) throws IOException {
    try (TarReader tar = ofArchive(Decompression.open(in, what), what)) {
      return tar.next().isPresent();
    } catch (LayerException e) {
      // What has a tar header with a name that leads outside is an archive, and no safe one.
      return e.code() == Code.UNSAFE_PATH;
    }
  }

  /**
   * The next event, or empty after the last. The content of the one before ends here.
   *
   * @throws LayerException if the bytes are no tar, or not a safe one
   */
  public Optional<LayerEvent> next() throws IOException {
    while (!ended) {
      if (content != null) {
        content.finish();
        content = null;
      }
      LayerEvent event = readEntry();
      if (event != null) {
        return Optional.of(event);
      }
    }
    return Optional.empty();
  }

  /**
   * Reads what is left, to the very end of the stream, and tells what the layer holds.
   *
   * @throws LayerException as {@link #next}
   * @throws IllegalStateException if it is no {@linkplain #ofIndexedLayer indexed layer}
   */
  public LayerIndex index() throws IOException {
    if (index == null) {
      throw new IllegalStateException("this reader keeps no index");
    }
    while (next().isPresent()) {
      continue;
    }
    in.drain();
    return index.build(in.position());
  }

  /** How many bytes of the tar were read. */
  public long position() {
    return in.position();
  }

  /** Closes the stream that it reads. */
  @Override
  public void close() throws IOException {
    in.close();
  }

  /** One entry with the headers before it; null at the end and for what is skipped. */
  private @Nullable LayerEvent readEntry() throws IOException {
    PaxRecords local = new PaxRecords();
    byte[] longName = null;
    byte[] longLink = null;
    while (true) {
      TarHeader header = readHeader();
      if (header == null) {
        if (longName != null || longLink != null) {
          throw in.error(Code.TRUNCATED, "a long name without an entry");
        }
        return null;
      }
      switch (header.type()) {
        case 'x' -> {
          local = new PaxRecords();
          local.parse(readSpecial(header), in);
        }
        case 'g' -> globals.parse(readSpecial(header), in);
        case 'L' -> longName = cString(readSpecial(header));
        case 'K' -> longLink = cString(readSpecial(header));
        case 'V' -> in.skip(checked(header.size()));
        default -> {
          return entry(header, local.over(globals), longName, longLink);
        }
      }
    }
  }

  /** The next header block, or null at the end: of the stream, or two blocks of zeros. */
  private @Nullable TarHeader readHeader() throws IOException {
    if (!in.readBlock(block)) {
      ended = true;
      return null;
    }
    if (!TarHeader.isZero(block)) {
      return TarHeader.parse(block, in);
    }
    ended = true;
    if (in.readBlock(block) && !TarHeader.isZero(block)) {
      throw in.error(Code.MALFORMED, "a single block of zeros inside the tar");
    }
    return null;
  }

  /** The content of a header that speaks of the next entry. */
  private byte[] readSpecial(TarHeader header) throws IOException {
    long size = header.size();
    if (size < 0 || size > PaxRecords.MAX_BYTES) {
      throw in.error(
          Code.LIMIT_EXCEEDED, "a header of " + size + " bytes for one entry (at most 1 MiB)");
    }
    byte[] bytes = in.readFully((int) size);
    in.skip(TarInput.padding(size));
    return bytes;
  }

  private static byte[] cString(byte[] bytes) {
    return TarHeader.string(bytes, 0, bytes.length);
  }

  private @Nullable LayerEvent entry(
      TarHeader header, PaxRecords pax, byte @Nullable [] longName, byte @Nullable [] longLink)
      throws IOException {
    String sparseName = pax.text("GNU.sparse.name");
    String paxName = sparseName != null ? sparseName : pax.text("path");
    String name = text(longName, paxName, header.name());
    Kind kind = kind(header, name);
    String path = LayerPaths.normalise(name, in.where());
    if (path.isEmpty() && kind != Kind.DIRECTORY) {
      throw in.error(Code.UNSAFE_PATH, "the root must be a directory, not a " + kind);
    }
    String link = text(longLink, pax.text("linkpath"), header.linkName());
    Content file = kind == Kind.FILE ? openContent(header, pax) : Content.NONE;
    if (header.type() == 'D') {
      in.skip(checked(header.size()));
    }
    content = file.stream();
    return event(meta(header, pax, path, kind, file.size(), target(kind, link, path)), file);
  }

  /** A file's content, about to be read. */
  private record Content(long size, List<Extent> extents, @Nullable EntryContent stream) {
    static final Content NONE = new Content(0, List.of(), null);
  }

  private Content openContent(TarHeader header, PaxRecords pax) throws IOException {
    long stored = pax.number("size", header.size(), in);
    checked(stored);
    long before = in.position();
    boolean old = header.type() == 'S';
    SparseMap sparse = old ? SparseMap.oldGnu(block, in) : SparseMap.pax(pax, stored, in);
    long start = in.position();
    // Form 1.0 of the sparse map is a part of what is stored.
    long held = old ? stored : stored - (start - before);
    if (held < 0) {
      throw in.error(Code.MALFORMED, "a sparse map is longer than its entry");
    }
    long size = sparse == null ? held : sparse.size();
    List<Extent> extents =
        sparse != null
            ? sparse.extents(start, held, in)
            : held == 0 ? List.of() : List.of(new Extent(0, start, held));
    long end = start + held + TarInput.padding(held);
    return new Content(size, extents, new EntryContent(in, extents, size, end));
  }

  /** The bytes that content of this size takes. */
  private long checked(long size) throws LayerException {
    if (size < 0) {
      throw in.error(Code.MALFORMED, "an entry of " + size + " bytes");
    }
    if (size > Long.MAX_VALUE - in.position() - TarInput.BLOCK) {
      throw in.error(Code.LIMIT_EXCEEDED, "an entry of " + size + " bytes");
    }
    return size + TarInput.padding(size);
  }

  private static String text(byte @Nullable [] gnu, @Nullable String pax, byte[] header) {
    return gnu != null ? Names.decode(gnu) : pax != null ? pax : Names.decode(header);
  }

  private Kind kind(TarHeader header, String name) throws LayerException {
    return switch (header.type()) {
      // The oldest tars mark directories by the slash alone.
      case 0 -> name.endsWith("/") ? Kind.DIRECTORY : Kind.FILE;
      case '0', '7', 'S' -> Kind.FILE;
      case '1' -> Kind.HARDLINK;
      case '2' -> Kind.SYMLINK;
      case '3' -> Kind.CHARACTER_DEVICE;
      case '4' -> Kind.BLOCK_DEVICE;
      case '5', 'D' -> Kind.DIRECTORY;
      case '6' -> Kind.FIFO;
      default ->
          throw in.error(
              Code.UNSUPPORTED,
              String.format(
                  "entry %s has type 0x%02x, which no layer may have",
                  LayerPaths.quote(name), (int) header.type()));
    };
  }

  private @Nullable String target(Kind kind, String link, String path) throws LayerException {
    return switch (kind) {
      case HARDLINK -> {
        String target = LayerPaths.normalise(link, in.where());
        if (target.isEmpty()) {
          throw in.error(
              Code.UNSAFE_PATH, "hard link " + LayerPaths.quote(path) + " names no file");
        }
        yield target;
      }
      case SYMLINK -> {
        if (link.isEmpty() || link.indexOf('\0') >= 0) {
          throw in.error(
              Code.MALFORMED, "symbolic link " + LayerPaths.quote(path) + " has no valid target");
        }
        yield link;
      }
      case FILE, DIRECTORY, CHARACTER_DEVICE, BLOCK_DEVICE, FIFO -> null;
    };
  }

  private EntryMeta meta(
      TarHeader header,
      PaxRecords pax,
      String path,
      Kind kind,
      long size,
      @Nullable String linkTarget)
      throws LayerException {
    PaxRecords.Time mtime = pax.mtime(in);
    return new EntryMeta(
        path,
        kind,
        (int) (header.mode() & 07777),
        owner(pax.number("uid", header.uid(), in), "uid", path),
        owner(pax.number("gid", header.gid(), in), "gid", path),
        mtime == null ? header.mtime() : mtime.seconds(),
        mtime == null ? 0 : mtime.nanos(),
        size,
        linkTarget,
        device(header.deviceMajor(), path),
        device(header.deviceMinor(), path),
        pax.xattrs(),
        0);
  }

  /** An owner as an unsigned int; the largest means "leave it" to chown and is nobody's. */
  private int owner(long id, String field, String path) throws LayerException {
    if (id < 0 || id >= 0xFFFF_FFFFL) {
      throw in.error(
          Code.MALFORMED, LayerPaths.quote(path) + " has " + field + " " + id + ", which none has");
    }
    return (int) id;
  }

  private int device(long number, String path) throws LayerException {
    if (number < 0 || number > Integer.MAX_VALUE) {
      throw in.error(Code.MALFORMED, LayerPaths.quote(path) + " has device number " + number);
    }
    return (int) number;
  }

  private @Nullable LayerEvent event(EntryMeta meta, Content file) throws IOException {
    String path = meta.path();
    if (!whiteouts || !LayerPaths.anyComponentStartsWith(path, LayerPaths.WHITEOUT_PREFIX)) {
      InputStream bytes = file.stream() == null ? InputStream.nullInputStream() : file.stream();
      return new LayerEvent.Entry(meta, indexed(meta, file, bytes), file.extents());
    }
    String directory = LayerPaths.parent(path);
    String name = meta.name();
    if (LayerPaths.anyComponentStartsWith(directory, LayerPaths.AUFS_PREFIX)) {
      return null;
    }
    if (LayerPaths.anyComponentStartsWith(directory, LayerPaths.WHITEOUT_PREFIX)) {
      throw in.error(
          Code.MALFORMED, "the name " + LayerPaths.quote(path) + " lies below a whiteout");
    }
    if (name.equals(LayerPaths.OPAQUE_MARKER)) {
      if (index != null) {
        index.opaque(directory);
      }
      return new LayerEvent.Opaque(directory);
    }
    if (name.startsWith(LayerPaths.AUFS_PREFIX)) {
      return null;
    }
    String gone = name.substring(LayerPaths.WHITEOUT_PREFIX.length());
    if (gone.isEmpty() || gone.equals(".") || gone.equals("..")) {
      throw in.error(
          Code.UNSAFE_PATH, "the whiteout " + LayerPaths.quote(path) + " hides no entry");
    }
    String hidden = LayerPaths.join(directory, gone);
    if (index != null) {
      index.whiteout(hidden);
    }
    return new LayerEvent.Whiteout(hidden);
  }

  /** Tells the index of an entry; returns its content, from the first byte on. */
  private InputStream indexed(EntryMeta meta, Content file, InputStream content)
      throws IOException {
    if (index == null) {
      return content;
    }
    index.entry(meta, file.extents());
    if (!index.keeps(meta)) {
      return content;
    }
    byte[] whole = content.readAllBytes();
    index.small(meta.path(), whole);
    return new ByteArrayInputStream(whole);
  }
}
