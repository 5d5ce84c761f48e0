package build.kiln.runtime.posix;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Extended attributes of one entry. Those of open files go by descriptor; those of entries that
 * must not be opened (devices, fifos) or cannot be (symbolic links) by {@code
 * /proc/self/fd/<directory>/ <name>}, which no rename above can divert.
 */
final class Xattrs {
  private final int fd;
  private final String path;
  private final String label;

  private Xattrs(int fd, String path, String label) {
    this.fd = fd;
    this.path = path;
    this.label = label;
  }

  static Xattrs of(Handle handle) {
    return new Xattrs(handle.fd(), "", handle.label());
  }

  static Xattrs of(DirectoryHandle directory, String name) {
    return new Xattrs(-1, "/proc/self/fd/" + directory.fd() + "/" + name, directory.labelOf(name));
  }

  SortedMap<String, byte[]> all() throws PosixException {
    SortedMap<String, byte[]> all = new TreeMap<>();
    for (String name : list()) {
      byte[] value = get(name);
      if (value.length > 0 || exists(name)) {
        all.put(name, value);
      }
    }
    return all;
  }

  private List<String> list() throws PosixException {
    Scratch scratch = Scratch.get();
    MemorySegment buffer = scratch.buffer();
    Syscall call = fd >= 0 ? Syscall.FLISTXATTR : Syscall.LLISTXATTR;
    long length = Native.call(call, subject(scratch), buffer.address(), Scratch.BUFFER);
    if (Native.failedWith(length, Errno.EOPNOTSUPP)) {
      return List.of();
    }
    Native.check(length, call, label);
    List<String> names = new ArrayList<>();
    for (long at = 0; at < length; ) {
      byte[] name = cString(buffer, at);
      names.add(Names.decode(name));
      at += name.length + 1;
    }
    return names;
  }

  private static byte[] cString(MemorySegment buffer, long offset) {
    long end = offset;
    while (buffer.get(ValueLayout.JAVA_BYTE, end) != 0) {
      end++;
    }
    return buffer.asSlice(offset, end - offset).toArray(ValueLayout.JAVA_BYTE);
  }

  private boolean exists(String name) throws PosixException {
    return !Native.failedWith(read(name), Errno.ENODATA);
  }

  /** The value; empty if it vanished between listing and reading. */
  private byte[] get(String name) throws PosixException {
    long length = read(name);
    if (Native.failedWith(length, Errno.ENODATA)) {
      return new byte[0];
    }
    Native.check(length, fd >= 0 ? Syscall.FGETXATTR : Syscall.LGETXATTR, label + " " + name);
    return Scratch.get().buffer().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
  }

  private long read(String name) throws PosixException {
    Scratch scratch = Scratch.get();
    return Native.call(
        fd >= 0 ? Syscall.FGETXATTR : Syscall.LGETXATTR,
        subject(scratch),
        scratch.second(name),
        scratch.buffer().address(),
        Scratch.BUFFER);
  }

  /**
   * @throws PosixException also if the value is larger than 64 KiB, the kernel's limit (E2BIG)
   */
  void set(String name, byte[] value) throws PosixException {
    Scratch scratch = Scratch.get();
    Syscall call = fd >= 0 ? Syscall.FSETXATTR : Syscall.LSETXATTR;
    if (value.length > 65536) {
      throw new PosixException(call + " " + label + " " + name, Errno.E2BIG.number());
    }
    MemorySegment.copy(value, 0, scratch.buffer(), ValueLayout.JAVA_BYTE, 0, value.length);
    long result =
        Native.call(
            call,
            subject(scratch),
            scratch.second(name),
            scratch.buffer().address(),
            value.length,
            0,
            0);
    Native.check(result, call, label + " " + name);
  }

  void remove(String name) throws PosixException {
    Scratch scratch = Scratch.get();
    Syscall call = fd >= 0 ? Syscall.FREMOVEXATTR : Syscall.LREMOVEXATTR;
    Native.check(
        Native.call(call, subject(scratch), scratch.second(name)), call, label + " " + name);
  }

  private long subject(Scratch scratch) throws PosixException {
    return fd >= 0 ? fd : scratch.first(path);
  }
}
