package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.Handle;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.rootfs.RootfsException.Code;
import java.util.Map;
import java.util.SortedMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives entries their owner, attributes, mode and times. In this order: a changed owner drops
 * setuid and capabilities, a mode may forbid to set attributes, all of it changes no times.
 */
final class MetaWriter {
  private static final Logger LOG = LoggerFactory.getLogger(MetaWriter.class);

  private MetaWriter() {}

  /** Sets one attribute of an entry. */
  @FunctionalInterface
  private interface Setter {
    void set(String name, byte[] value) throws PosixException;
  }

  /**
   * @param form tells how attributes are named on disk
   * @return whether it has all attributes; not so where the kernel or the file system refuse some
   * @throws RootfsException NOT_PERMITTED if the owner cannot be set
   */
  static boolean apply(Handle handle, EntryMeta meta, Form form)
      throws PosixException, RootfsException {
    try {
      handle.chown(meta.uid(), meta.gid());
    } catch (PosixException e) {
      throw refusedOwner(meta, e);
    }
    boolean whole =
        meta.xattrs().isEmpty() || setXattrs(meta.xattrs(), form, handle.label(), handle::setXattr);
    handle.chmod(meta.mode());
    handle.setTimes(meta.mtimeSeconds(), meta.mtimeNanos());
    return whole;
  }

  /** As the other, for what cannot or must not be opened. */
  static boolean apply(DirectoryHandle parent, String name, EntryMeta meta, Form form)
      throws PosixException, RootfsException {
    try {
      parent.chown(name, meta.uid(), meta.gid());
    } catch (PosixException e) {
      throw refusedOwner(meta, e);
    }
    boolean whole =
        meta.xattrs().isEmpty()
            || setXattrs(
                meta.xattrs(),
                form,
                meta.path(),
                (key, value) -> parent.setXattr(name, key, value));
    if (meta.kind() != Kind.SYMLINK) {
      parent.chmod(name, meta.mode());
    }
    parent.setTimes(name, meta.mtimeSeconds(), meta.mtimeNanos());
    return whole;
  }

  private static boolean setXattrs(
      SortedMap<String, byte[]> xattrs, Form form, String label, Setter setter)
      throws PosixException {
    boolean whole = true;
    for (Map.Entry<String, byte[]> xattr : xattrs.entrySet()) {
      try {
        setter.set(form.nameOnDisk(xattr.getKey()), xattr.getValue());
      } catch (PosixException e) {
        if (e.errno() != Errno.EPERM && e.errno() != Errno.EOPNOTSUPP) {
          throw e;
        }
        LOG.debug("{} goes without its attribute {}: {}", label, xattr.getKey(), e.getMessage());
        whole = false;
      }
    }
    return whole;
  }

  private static RootfsException refusedOwner(EntryMeta meta, PosixException e)
      throws PosixException {
    // An id that the user namespace does not map is an invalid argument to it.
    if (e.errno() != Errno.EPERM && e.errno() != Errno.EINVAL) {
      throw e;
    }
    return new RootfsException(
        Code.NOT_PERMITTED,
        "cannot give \""
            + meta.path()
            + "\" to uid "
            + Integer.toUnsignedString(meta.uid())
            + ", gid "
            + Integer.toUnsignedString(meta.gid())
            + ": "
            + e.getMessage()
            + "; run as root, or in a user namespace whose subordinate ids (/etc/subuid,"
            + " /etc/subgid) cover these ids",
        e);
  }
}
