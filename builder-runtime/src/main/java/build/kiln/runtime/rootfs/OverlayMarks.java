package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.Handle;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.rootfs.RootfsException.Code;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How overlay marks what an upper directory removes, in the kernel's documentation (overlayfs,
 * "whiteouts and opaque directories", "nesting"): a character device 0:0 for a path, an attribute
 * for a directory's content.
 *
 * @param prefix of overlay's own attributes: {@code user.overlay.} or {@code trusted.overlay.}
 */
record OverlayMarks(String prefix) {
  private static final byte[] YES = {'y'};

  /** Attributes of entries of which the upper directory does not hold all. */
  private static final List<String> PARTIAL = List.of("redirect", "metacopy");

  static OverlayMarks of(boolean userXattr) {
    return new OverlayMarks(userXattr ? "user.overlay." : "trusted.overlay.");
  }

  void whiteout(DirectoryHandle parent, String name) throws PosixException {
    parent.makeNode(name, FileType.CHARACTER_DEVICE, 0, 0, 0);
  }

  void makeOpaque(Handle directory) throws PosixException {
    directory.setXattr(prefix + "opaque", YES);
  }

  /** Takes back {@link #makeOpaque}. */
  void makeTransparent(Handle directory) throws PosixException {
    directory.removeXattr(prefix + "opaque");
  }

  boolean isOpaque(Map<String, byte[]> xattrs) {
    byte[] value = xattrs.get(prefix + "opaque");
    return value != null && value.length == 1 && value[0] == 'y';
  }

  /** The name that an attribute has below an overlay, so that the overlay shows it as it is. */
  String escape(String name) {
    return name.startsWith(prefix) ? prefix + "overlay." + name.substring(prefix.length()) : name;
  }

  /**
   * The attributes that an overlay shows of an entry with these.
   *
   * @throws RootfsException UNSUPPORTED_MOUNT if the entry is not all there
   */
  SortedMap<String, byte[]> shown(String path, SortedMap<String, byte[]> xattrs)
      throws RootfsException {
    if (xattrs.keySet().stream().noneMatch(name -> name.startsWith(prefix))) {
      return xattrs;
    }
    for (String partial : PARTIAL) {
      if (xattrs.containsKey(prefix + partial)) {
        throw new RootfsException(
            Code.UNSUPPORTED_MOUNT,
            "cannot read the changes of a step: \""
                + path
                + "\" has the attribute "
                + prefix
                + partial
                + "; mount the overlay with redirect_dir=off,metacopy=off");
      }
    }
    String escaped = prefix + "overlay.";
    SortedMap<String, byte[]> shown = new TreeMap<>();
    xattrs.forEach(
        (name, value) -> {
          if (name.startsWith(escaped)) {
            shown.put(prefix + name.substring(escaped.length()), value);
          } else if (!name.startsWith(prefix)) {
            shown.put(name, value);
          }
        });
    return shown;
  }
}
