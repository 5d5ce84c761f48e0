package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.posix.Names;
import java.util.Arrays;
import java.util.Comparator;

/** Names inside layers: their normal form, which of them are safe, and their order. */
public final class LayerPaths {
  static final String WHITEOUT_PREFIX = ".wh.";
  static final String OPAQUE_MARKER = ".wh..wh..opq";

  /** AUFS kept its own files under these names; they are no part of an image. */
  static final String AUFS_PREFIX = ".wh..wh.";

  /** Linux's PATH_MAX; a longer name cannot be unpacked, and could be nested without end. */
  static final int MAX_LENGTH = 4096;

  /**
   * The order of names' bytes, which is not that of Java's strings beyond the basic plane and for
   * names that are not UTF-8.
   */
  public static final Comparator<String> BYTE_ORDER = LayerPaths::compareBytes;

  /**
   * A name as a path relative to the root: leading, trailing and double slashes and {@code .} are
   * dropped.
   *
   * @throws LayerException UNSAFE_PATH if a component is {@code ..} or it holds a NUL: no honest
   *     layer has such names, and cleaning them would hide what an archive tries; LIMIT_EXCEEDED if
   *     it is longer than 4,096
   */
  public static String normalise(String raw, String where) throws LayerException {
    if (raw.indexOf('\0') >= 0) {
      throw unsafe(raw, where, "it holds a NUL");
    }
    if (raw.length() > MAX_LENGTH) {
      throw new LayerException(
          Code.LIMIT_EXCEEDED,
          where + ": the name " + quote(raw) + " has " + raw.length() + " characters, over 4096");
    }
    if (isNormal(raw)) {
      return raw;
    }
    var path = new StringBuilder(raw.length());
    for (String part : raw.split("/")) {
      if (part.equals("..")) {
        throw unsafe(raw, where, "\"..\" could leave the root");
      }
      if (!part.isEmpty() && !part.equals(".")) {
        path.append(path.isEmpty() ? "" : "/").append(part);
      }
    }
    return path.toString();
  }

  /** Whether it is already in normal form; the root is {@code ""}. */
  static boolean isNormal(String path) {
    if (path.isEmpty()) {
      return true;
    }
    int start = 0;
    while (true) {
      int end = path.indexOf('/', start);
      int length = (end < 0 ? path.length() : end) - start;
      boolean dots =
          path.startsWith(".", start)
              && (length == 1 || length == 2 && path.charAt(start + 1) == '.');
      if (length == 0 || dots) {
        return false;
      }
      if (end < 0) {
        return true;
      }
      start = end + 1;
    }
  }

  /** The directory that a path is in; the root's is the root. */
  public static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  /** The last component. */
  public static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** A name in a directory. */
  public static String join(String directory, String name) {
    return directory.isEmpty() ? name : directory + "/" + name;
  }

  /** Whether some component begins so. */
  static boolean anyComponentStartsWith(String path, String prefix) {
    return path.startsWith(prefix) || path.contains("/" + prefix);
  }

  /** A name for messages: control characters shown, and not endless. */
  static String quote(String path) {
    var text = new StringBuilder("\"");
    path.codePoints()
        .limit(200)
        .forEach(
            c -> {
              if (c < 0x20 || c == 0x7f || c >= 0xD800 && c <= 0xDFFF) {
                text.append(String.format("\\u%04x", c));
              } else {
                text.appendCodePoint(c);
              }
            });
    return text.append(path.length() > 200 ? "...\"" : "\"").toString();
  }

  private static LayerException unsafe(String raw, String where, String why) {
    return new LayerException(
        Code.UNSAFE_PATH, where + ": the name " + quote(raw) + " is refused: " + why);
  }

  private static int compareBytes(String a, String b) {
    int common = Math.min(a.length(), b.length());
    for (int i = 0; i < common; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        if (x < Character.MIN_SURROGATE && y < Character.MIN_SURROGATE) {
          return x - y;
        }
        // A pair that differs in its second half must be compared as a whole.
        int from = i > 0 && Character.isHighSurrogate(a.charAt(i - 1)) ? i - 1 : i;
        return Arrays.compareUnsigned(
            Names.encode(a.substring(from)), Names.encode(b.substring(from)));
      }
    }
    return a.length() - b.length();
  }

  private LayerPaths() {}
}
