package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A blob as it arrives, with its size and digest checked: the read that would hand out the last
 * bytes throws instead if they are wrong, so whoever reads {@code size} bytes has read the blob.
 *
 * <p>When a connection breaks, the rest is asked for with a Range, from whichever endpoint answers
 * first. The hash runs over what was handed out, so a server that answers a range with other bytes,
 * or a mirror with other content, is found out at the end.
 */
final class BlobStream extends InputStream {
  /** In all; tries in a row without progress are limited by the retry policy. */
  private static final int MOST_RESUMES = 100;

  /** An answer whose body begins at the byte that was asked for. */
  record Part(InputStream body, HttpReply reply, Endpoint endpoint) {}

  /** Opens the blob from this byte on. */
  interface Opener {
    Part open(long from) throws IOException;
  }

  private final String doing;
  private final Descriptor blob;
  private final Opener opener;
  private final Retries retries;
  private final Sites sites;
  private final MessageDigest hash;
  private @Nullable Part part;
  private long position;
  private int resumes;
  private int withoutProgress;
  private boolean verified;
  private boolean closed;

  BlobStream(String doing, Descriptor blob, Opener opener, Part first, Retries retries, Sites sites)
      throws IOException {
    this.doing = doing;
    this.blob = blob;
    this.opener = opener;
    this.part = first;
    this.retries = retries;
    this.sites = sites;
    this.hash = blob.digest().newHash();
    if (blob.size() == 0) {
      try {
        finish(first);
      } catch (IOException e) {
        close();
        throw e;
      }
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, buffer.length);
    if (closed) {
      throw new IOException("the stream of " + blob.digest() + " is closed");
    }
    if (length == 0) {
      return 0;
    }
    if (verified) {
      return -1;
    }
    int most = (int) Math.min(length, blob.size() - position);
    while (true) {
      Part current = part == null ? resume(null) : part;
      part = current;
      try {
        int n = current.body().read(buffer, offset, most);
        if (n > 0) {
          hash.update(buffer, offset, n);
          position += n;
          withoutProgress = 0;
          if (position == blob.size()) {
            finish(current);
          }
          return n;
        }
        // A body that ends early without an error came without a length.
        part = null;
        current.reply().close();
        part = resume(null);
      } catch (RegistryException e) {
        throw e;
      } catch (IOException e) {
        part = null;
        current.reply().close();
        part = resume(e);
      }
    }
  }

  private Part resume(@Nullable IOException broken) throws IOException {
    RegistryException reason = failure(broken);
    while (true) {
      withoutProgress++;
      if (++resumes > MOST_RESUMES || withoutProgress >= Math.max(2, retries.attempts())) {
        throw reason.withNote(
            " (at byte " + position + " of " + blob.size() + ", after " + resumes + " tries)");
      }
      retries.pause(doing, withoutProgress, reason);
      try {
        return opener.open(position);
      } catch (RegistryException e) {
        if (!e.retryable()) {
          throw e;
        }
        reason = e;
      }
    }
  }

  private RegistryException failure(@Nullable IOException broken) throws IOException {
    IOException e = broken == null ? new IOException("it ended too early") : broken;
    IOException failure = Failures.of(doing, "its registry", e);
    if (failure instanceof RegistryException registryFailure) {
      return registryFailure;
    }
    throw failure;
  }

  private void finish(Part last) throws IOException {
    int more;
    try {
      more = last.body().read();
    } catch (IOException afterTheEnd) {
      // All of it is here, and its digest tells whether it is right.
      more = -1;
    }
    String actual = HexFormat.of().formatHex(hash.digest());
    last.reply().close();
    part = null;
    if (more >= 0) {
      throw wrong(last, "it is longer than " + blob.size() + " bytes");
    }
    if (!actual.equals(blob.digest().hex())) {
      throw wrong(last, "its content is " + new Digest(blob.digest().algorithm(), actual));
    }
    verified = true;
  }

  /** A mirror with a bad copy is passed over for a while, so that trying again is worth it. */
  private RegistryException wrong(Part last, String why) {
    closed = true;
    boolean mirror = last.endpoint().isMirror();
    sites.passOver(last.endpoint());
    return new RegistryException(
        mirror ? Code.UNAVAILABLE : Code.INVALID,
        "tried to "
            + doing
            + " on "
            + last.endpoint().authority()
            + " but "
            + why
            + (mirror
                ? "; the mirror's copy is damaged: try again without it"
                : "; the registry's copy is damaged: push the image again"));
  }

  @Override
  public void close() {
    closed = true;
    if (part != null) {
      part.reply().close();
      part = null;
    }
  }
}
