package build.kiln.runtime.store;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.FileStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * What is written beside a layer that is kept unpacked: which directory it is about, so that a copy
 * or one that was replaced is not taken for it, and what whoever unpacked it has to say. The file
 * starts with the digest of the rest.
 *
 * @param inode of the tree's root
 * @param ctimeSeconds when the kernel last changed the root, which no program can set back
 * @param bytes of the tree's files
 */
record KeptRecord(long inode, long ctimeSeconds, int ctimeNanos, long bytes, byte[] about) {
  private static final int DIGEST = 64;
  private static final int HEAD = 3 * Long.BYTES + Integer.BYTES;

  static KeptRecord of(FileStatus root, long bytes, byte[] about) {
    return new KeptRecord(root.inode(), root.ctimeSeconds(), root.ctimeNanos(), bytes, about);
  }

  boolean describes(FileStatus root) {
    return root.isDirectory()
        && root.inode() == inode
        && root.ctimeSeconds() == ctimeSeconds
        && root.ctimeNanos() == ctimeNanos;
  }

  byte[] toBytes() {
    byte[] body =
        ByteBuffer.allocate(HEAD + about.length)
            .putLong(inode)
            .putLong(ctimeSeconds)
            .putInt(ctimeNanos)
            .putLong(bytes)
            .put(about)
            .array();
    byte[] digest = Digest.ofBytes(body).hex().getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(DIGEST + body.length).put(digest).put(body).array();
  }

  /** Empty if there is none, or it is damaged. */
  static Optional<KeptRecord> read(Path file) {
    byte[] all;
    try {
      all = Files.readAllBytes(file);
    } catch (IOException missing) {
      return Optional.empty();
    }
    if (all.length < DIGEST + HEAD) {
      return Optional.empty();
    }
    byte[] body = Arrays.copyOfRange(all, DIGEST, all.length);
    String digest = new String(all, 0, DIGEST, StandardCharsets.ISO_8859_1);
    if (!Digest.ofBytes(body).hex().equals(digest)) {
      return Optional.empty();
    }
    var in = ByteBuffer.wrap(body);
    long inode = in.getLong();
    long seconds = in.getLong();
    int nanos = in.getInt();
    long bytes = in.getLong();
    return Optional.of(
        new KeptRecord(inode, seconds, nanos, bytes, Arrays.copyOfRange(body, HEAD, body.length)));
  }
}
