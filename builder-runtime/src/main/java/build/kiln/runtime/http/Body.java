package build.kiln.runtime.http;

import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.HexFormat;

/**
 * The body of an answer, read as it comes (RFC 9112, 6 and 7). One that ends too early is an error.
 */
abstract class Body {
  private final boolean framed;
  private boolean atEnd;

  /**
   * @param framed whether the answer itself says where it ends, so that another can follow
   */
  Body(boolean framed) {
    this.framed = framed;
  }

  /** The body that a head announces, in answer to a request of this method. */
  static Body of(String method, Head head, WireInput in) throws ProtocolException {
    int status = head.status();
    if (method.equals("HEAD") || status == 204 || status == 304) {
      return new OfLength(in, 0);
    }
    if (head.isChunked()) {
      return new InChunks(in);
    }
    long length = head.contentLength();
    return length < 0 ? new UntilTheEnd(in) : new OfLength(in, length);
  }

  /** Whether all of it was read. */
  final boolean isAtEnd() {
    return atEnd;
  }

  /** Whether another answer can follow on the same connection. */
  final boolean isFramed() {
    return framed;
  }

  final void end() {
    atEnd = true;
  }

  /** At least a byte, waiting for it; -1 at the end. Whoever finds the end tells {@link #end}. */
  abstract int take(byte[] buffer, int offset, int length) throws IOException;

  /** As {@link java.io.InputStream#read(byte[], int, int)}. */
  final int read(byte[] buffer, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    return atEnd ? -1 : take(buffer, offset, length);
  }

  private static final class OfLength extends Body {
    private final WireInput in;
    private final long length;
    private long left;

    OfLength(WireInput in, long length) {
      super(true);
      this.in = in;
      this.length = length;
      this.left = length;
      if (length == 0) {
        end();
      }
    }

    @Override
    int take(byte[] buffer, int offset, int most) throws IOException {
      int n = in.read(buffer, offset, (int) Math.min(most, left));
      if (n < 0) {
        throw new EOFException("it ended after " + (length - left) + " of " + length + " bytes");
      }
      left -= n;
      if (left == 0) {
        end();
      }
      return n;
    }
  }

  /** For servers that tell the end by ending the connection. */
  private static final class UntilTheEnd extends Body {
    private final WireInput in;

    UntilTheEnd(WireInput in) {
      super(false);
      this.in = in;
    }

    @Override
    int take(byte[] buffer, int offset, int most) throws IOException {
      int n = in.read(buffer, offset, most);
      if (n < 0) {
        end();
      }
      return n;
    }
  }

  private static final class InChunks extends Body {
    private static final int MOST_DIGITS = 15;
    private static final int MOST_TRAILERS = 100;

    private final WireInput in;
    private long left;
    private boolean begun;

    InChunks(WireInput in) {
      super(true);
      this.in = in;
    }

    @Override
    int take(byte[] buffer, int offset, int most) throws IOException {
      if (left == 0) {
        next();
        if (left == 0) {
          end();
          return -1;
        }
      }
      int n = in.read(buffer, offset, (int) Math.min(most, left));
      if (n < 0) {
        throw new EOFException("it ended in the middle of a chunk");
      }
      left -= n;
      return n;
    }

    private void next() throws IOException {
      if (begun && !in.line().isEmpty()) {
        throw new ProtocolException("its answer has a chunk that is longer than it says");
      }
      begun = true;
      String line = in.line();
      int semicolon = line.indexOf(';');
      String digits = (semicolon < 0 ? line : line.substring(0, semicolon)).strip();
      left = size(digits);
      if (left == 0) {
        passTrailers();
      }
    }

    /** What is said after the body is of no use to anybody here. */
    private void passTrailers() throws IOException {
      for (int i = 0; !in.line().isEmpty(); i++) {
        if (i == MOST_TRAILERS) {
          throw new ProtocolException("its answer has trailers without an end");
        }
      }
    }

    private static long size(String digits) throws ProtocolException {
      if (digits.isEmpty()
          || digits.length() > MOST_DIGITS
          || !digits.chars().allMatch(HexFormat::isHexDigit)) {
        throw new ProtocolException("its answer has a chunk without a size");
      }
      return HexFormat.fromHexDigitsToLong(digits);
    }
  }
}
