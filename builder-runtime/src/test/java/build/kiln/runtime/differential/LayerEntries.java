package build.kiln.runtime.differential;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/** A layer's entries in order, read by other code than Kiln's. */
public final class LayerEntries {
  private static final String XATTR = "SCHILY.xattr.";

  private LayerEntries() {}

  /**
   * An entry.
   *
   * @param path relative, without slashes at its ends; the root is empty
   * @param rest the link's target, the device's numbers or the content's hash
   */
  public record Entry(
      String path,
      Kind kind,
      int mode,
      long uid,
      long gid,
      long mtime,
      String rest,
      Map<String, String> xattrs) {}

  /** What an entry is. */
  public enum Kind {
    FILE,
    DIRECTORY,
    SYMLINK,
    HARD_LINK,
    CHARACTER_DEVICE,
    BLOCK_DEVICE,
    FIFO
  }

  /** Reads a tar, gzipped or not. */
  public static List<Entry> read(InputStream layer) throws IOException {
    var buffered = new BufferedInputStream(layer);
    buffered.mark(2);
    byte[] magic = buffered.readNBytes(2);
    buffered.reset();
    boolean gzip = magic.length == 2 && (magic[0] & 0xff) == 0x1f && (magic[1] & 0xff) == 0x8b;
    var tar =
        new TarArchiveInputStream(
            gzip ? new GzipCompressorInputStream(buffered, true) : buffered, "UTF-8");
    var entries = new ArrayList<Entry>();
    for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
      entries.add(entry(entry, tar));
    }
    return entries;
  }

  private static Entry entry(TarArchiveEntry entry, InputStream content) throws IOException {
    Kind kind = kind(entry);
    String rest =
        switch (kind) {
          case FILE -> hash(content);
          case DIRECTORY, FIFO -> "";
          case SYMLINK -> entry.getLinkName();
          case HARD_LINK -> normal(entry.getLinkName());
          case CHARACTER_DEVICE, BLOCK_DEVICE -> entry.getDevMajor() + "," + entry.getDevMinor();
        };
    var xattrs = new TreeMap<String, String>();
    entry
        .getExtraPaxHeaders()
        .forEach(
            (name, value) -> {
              if (name.startsWith(XATTR)) {
                byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
                xattrs.put(name.substring(XATTR.length()), HexFormat.of().formatHex(bytes));
              }
            });
    return new Entry(
        normal(entry.getName()),
        kind,
        entry.getMode() & 07777,
        entry.getLongUserId(),
        entry.getLongGroupId(),
        Math.floorDiv(entry.getLastModifiedTime().toMillis(), 1000L),
        rest,
        xattrs);
  }

  private static String normal(String path) {
    String relative = path.replaceAll("^(\\./|/)+", "");
    String bare = relative.endsWith("/") ? relative.substring(0, relative.length() - 1) : relative;
    return bare.equals(".") ? "" : bare;
  }

  private static Kind kind(TarArchiveEntry entry) throws IOException {
    return switch (entry.getLinkFlag()) {
      case TarConstants.LF_NORMAL, TarConstants.LF_OLDNORM, TarConstants.LF_CONTIG -> Kind.FILE;
      case TarConstants.LF_DIR -> Kind.DIRECTORY;
      case TarConstants.LF_SYMLINK -> Kind.SYMLINK;
      case TarConstants.LF_LINK -> Kind.HARD_LINK;
      case TarConstants.LF_CHR -> Kind.CHARACTER_DEVICE;
      case TarConstants.LF_BLK -> Kind.BLOCK_DEVICE;
      case TarConstants.LF_FIFO -> Kind.FIFO;
      default ->
          throw new IOException(entry.getName() + ": tar entry of type " + entry.getLinkFlag());
    };
  }

  /** The text itself if it is short, for readable differences. */
  private static String hash(InputStream content) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] head = content.readNBytes(200);
      digest.update(head);
      byte[] buffer = new byte[8192];
      long size = head.length;
      for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
        digest.update(buffer, 0, n);
        size += n;
      }
      return size < 200
          ? '"' + new String(head, StandardCharsets.ISO_8859_1).replace("\n", "\\n") + '"'
          : size + " bytes, " + HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
