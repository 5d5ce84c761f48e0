package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

/**
 * Streams inflated, whatever they were compressed with: found by the first bytes, as docker does,
 * since media types and file names are often wrong.
 */
public final class Decompression {
  /** What a stream can be compressed with. */
  public enum Format {
    NONE,
    GZIP,
    ZSTD,
    BZIP2,
    XZ
  }

  /** xz -9 needs 65 MiB; a header that asks for more is refused rather than obeyed. */
  private static final int XZ_MEMORY_KIB = 128 * 1024;

  /** Zstandard windows of up to 128 MiB, as the zstd command takes without being asked. */
  private static final int ZSTD_MAX_WINDOW_LOG = 27;

  private static final int MAGIC_BYTES = 6;

  /** What these first bytes of a stream say. */
  public static Format detect(byte[] start) {
    if (startsWith(start, 0x1f, 0x8b)) {
      return Format.GZIP;
    }
    // A zstd stream may begin with a skippable frame (RFC 8878, 3.1.2).
    if (startsWith(start, 0x28, 0xb5, 0x2f, 0xfd)
        || start.length >= 4
            && (start[0] & 0xF0) == 0x50
            && startsWith(tail(start), 0x2a, 0x4d, 0x18)) {
      return Format.ZSTD;
    }
    if (startsWith(start, 'B', 'Z', 'h')) {
      return Format.BZIP2;
    }
    if (startsWith(start, 0xfd, '7', 'z', 'X', 'Z', 0)) {
      return Format.XZ;
    }
    return Format.NONE;
  }

  /** What the stream is compressed with; its position stays. */
  public static Format detect(BufferedInputStream in) throws IOException {
    in.mark(MAGIC_BYTES);
    byte[] start = in.readNBytes(MAGIC_BYTES);
    in.reset();
    return detect(start);
  }

  /**
   * The stream inflated; one that is not compressed as it is. Members and frames one after the
   * other are one stream. Closing it closes the stream below.
   *
   * @param what names the stream in messages
   * @throws LayerException MALFORMED or TRUNCATED, here or while reading, if it is damaged
   */
  public static InputStream open(InputStream in, String what) throws IOException {
    var source = new Source(in);
    var buffered = new BufferedInputStream(source, 64 * 1024);
    Format format = detect(buffered);
    if (format == Format.NONE) {
      return buffered;
    }
    try {
      return new Inflated(inflater(format, buffered), source, format, what);
    } catch (IOException e) {
      throw located(e, source, format, what);
    }
  }

  private static InputStream inflater(Format format, InputStream in) throws IOException {
    return switch (format) {
      case NONE -> in;
      case GZIP -> FastInflate.isAvailable() ? new FastInflate(in) : gunzip(in);
      case ZSTD -> new ZstdInputStreamNoFinalizer(in).setLongMax(ZSTD_MAX_WINDOW_LOG);
      case BZIP2 -> new BZip2CompressorInputStream(in, true);
      case XZ -> new XZInputStream(in, XZ_MEMORY_KIB);
    };
  }

  /** By zlib, on machines that have no faster one. */
  static InputStream gunzip(InputStream in) throws IOException {
    return GzipCompressorInputStream.builder()
        .setInputStream(in)
        .setBufferSize(64 * 1024)
        .setDecompressConcatenated(true)
        .get();
  }

  /** Errors of the stream below stay what they are; those of the inflater are the data's. */
  private static IOException located(IOException e, Source source, Format format, String what) {
    if (source.failure != null || e instanceof LayerException) {
      return source.failure != null ? source.failure : e;
    }
    Code code = source.ended ? Code.TRUNCATED : Code.MALFORMED;
    return new LayerException(
        code,
        what
            + ": the "
            + format
            + " data is "
            + (code == Code.TRUNCATED ? "cut off or damaged" : "damaged")
            + " near byte "
            + source.count
            + ": "
            + e.getMessage(),
        e);
  }

  private static byte[] tail(byte[] bytes) {
    return Arrays.copyOfRange(bytes, 1, bytes.length);
  }

  private static boolean startsWith(byte[] bytes, int... magic) {
    if (bytes.length < magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if ((bytes[i] & 0xFF) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  /** The compressed stream, remembering its own errors and its end. */
  private static final class Source extends FilterInputStream {
    @Nullable IOException failure;
    boolean ended;
    long count;

    Source(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      try {
        int n = in.read(buffer, offset, length);
        ended |= n < 0;
        count += Math.max(0, n);
        return n;
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }

  /** The inflated stream with located errors. */
  private static final class Inflated extends BulkInputStream {
    private final InputStream in;
    private final Source source;
    private final Format format;
    private final String what;

    Inflated(InputStream in, Source source, Format format, String what) {
      this.in = in;
      this.source = source;
      this.format = format;
      this.what = what;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      try {
        return in.read(buffer, offset, length);
      } catch (IOException e) {
        throw located(e, source, format, what);
      }
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  private Decompression() {}
}
