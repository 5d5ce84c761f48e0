package build.kiln.runtime.rootfs;

import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

/** Extended attributes as layers have them. */
final class Attributes {
  private static final String CAPABILITY = "security.capability";

  /** Revision 3 of a capability is revision 2 with the id of the user namespace's root behind. */
  private static final int REVISION_3 = 3;

  private static final int REVISION_2_LENGTH = 20;

  private Attributes() {}

  /** Whether an attribute is a part of an image; labels of security modules are the machine's. */
  static boolean belongToImages(String name) {
    return !name.startsWith("security.") || name.equals(CAPABILITY);
  }

  /** The attributes of an entry on disk as a layer has them. */
  static SortedMap<String, byte[]> forLayer(SortedMap<String, byte[]> xattrs) {
    if (xattrs.isEmpty()) {
      return xattrs;
    }
    SortedMap<String, byte[]> kept = new TreeMap<>();
    xattrs.forEach(
        (name, value) -> {
          if (belongToImages(name)) {
            kept.put(name, name.equals(CAPABILITY) ? withoutRootId(value) : value);
          }
        });
    return kept;
  }

  /**
   * A capability that is not bound to one user namespace (struct vfs_ns_cap_data of
   * linux/capability.h: a little-endian revision and flags, four words, the root's id).
   */
  private static byte[] withoutRootId(byte[] value) {
    if (value.length <= REVISION_2_LENGTH || value[3] != REVISION_3) {
      return value;
    }
    byte[] revision2 = Arrays.copyOf(value, REVISION_2_LENGTH);
    revision2[3] = 2;
    return revision2;
  }
}
