package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import java.util.Arrays;
import java.util.Map;

/** Compares entries. */
final class Metadata {
  private Metadata() {}

  /** Whether two directories are the same but for what is in them. */
  static boolean same(EntryMeta a, EntryMeta b) {
    return a.mode() == b.mode()
        && a.uid() == b.uid()
        && a.gid() == b.gid()
        && a.mtimeSeconds() == b.mtimeSeconds()
        && a.mtimeNanos() == b.mtimeNanos()
        && sameXattrs(a.xattrs(), b.xattrs());
  }

  private static boolean sameXattrs(Map<String, byte[]> a, Map<String, byte[]> b) {
    return a.keySet().equals(b.keySet())
        && a.entrySet().stream().allMatch(e -> Arrays.equals(e.getValue(), b.get(e.getKey())));
  }
}
