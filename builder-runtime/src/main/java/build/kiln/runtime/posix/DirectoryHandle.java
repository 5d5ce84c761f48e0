package build.kiln.runtime.posix;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * An open directory and what can be done to its entries. Nothing here follows a symbolic link.
 * {@code name} is a single name in this directory; {@code path} may have several parts, each of
 * which but the last must be a directory, and never leads outside. Both are strings of {@link
 * Names}.
 */
public final class DirectoryHandle extends Handle {
  static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int AT_REMOVEDIR = 0x200;

  private DirectoryHandle(int fd, String label) {
    super(fd, label);
  }

  /** An entry as a listing has it. */
  public record Entry(String name, FileStatus status) {}

  /** Opens a directory anywhere; symbolic links on the way are followed, as by any program. */
  public static DirectoryHandle open(Path path) throws PosixException {
    String absolute = path.toAbsolutePath().toString();
    int flags = OpenFlags.READ_ONLY | OpenFlags.DIRECTORY | OpenFlags.CLOSE_ON_EXEC;
    long fd = Beneath.openat(Native.AT_FDCWD, absolute, flags, 0);
    return new DirectoryHandle((int) Native.check(fd, Syscall.OPENAT, absolute), absolute);
  }

  /**
   * Opens a directory beneath this one; {@code ""} is this one, by a further handle.
   *
   * @throws PosixException ELOOP if a symbolic link is on the way, EXDEV if the path leads outside,
   *     ENOTDIR if something else is there
   */
  public DirectoryHandle openDirectory(String path) throws PosixException {
    long fd = tryOpenDirectory(path);
    return new DirectoryHandle(
        (int) Native.check(fd, Syscall.OPENAT2, labelOf(path)), labelOf(path));
  }

  /** Opens a directory beneath this one, or is empty if there is nothing of that name. */
  public Optional<DirectoryHandle> findDirectory(String path) throws PosixException {
    long fd = tryOpenDirectory(path);
    if (Native.failedWith(fd, Errno.ENOENT)) {
      return Optional.empty();
    }
    return Optional.of(
        new DirectoryHandle((int) Native.check(fd, Syscall.OPENAT2, labelOf(path)), labelOf(path)));
  }

  private long tryOpenDirectory(String path) throws PosixException {
    long fd = Beneath.open(fd(), path, OpenFlags.READ_ONLY | OpenFlags.DIRECTORY);
    // The kernel says ENOTDIR for a symbolic link at the end, ELOOP for one before it.
    if (Native.failedWith(fd, Errno.ENOTDIR)
        && find(path).filter(s -> s.type() == FileType.SYMLINK).isPresent()) {
      return -Errno.ELOOP.number();
    }
    return fd;
  }

  /**
   * A short path of something in this directory, good while the handle is open: for what takes no
   * handle and only short paths, such as a socket's address.
   */
  public Path shortPath(String name) {
    return Path.of("/proc/self/fd/" + fd(), name);
  }

  /** Opens a regular file for reading; ENXIO or ELOOP and the like if it is something else. */
  public FileHandle openFile(String path) throws PosixException {
    String label = labelOf(path);
    // Without O_NONBLOCK a fifo would block; the status check keeps devices from being read.
    long fd = Beneath.open(fd(), path, OpenFlags.READ_ONLY | OpenFlags.NON_BLOCKING);
    FileHandle file = new FileHandle((int) Native.check(fd, Syscall.OPENAT2, label), label);
    try {
      return file.regular();
    } catch (PosixException e) {
      file.close();
      throw e;
    }
  }

  /** Opens a file for writing from its start; ELOOP if it is a symbolic link. */
  public FileHandle openFileForWriting(String name) throws PosixException {
    int flags =
        OpenFlags.WRITE_ONLY
            | OpenFlags.NON_BLOCKING
            | OpenFlags.NO_FOLLOW
            | OpenFlags.CLOSE_ON_EXEC;
    long fd = Beneath.openat(fd(), name, flags, 0);
    return new FileHandle((int) Native.check(fd, Syscall.OPENAT, labelOf(name)), labelOf(name));
  }

  /** Creates a file and opens it for writing; EEXIST if the name is taken. */
  public FileHandle createFile(String name, int mode) throws PosixException {
    int flags =
        OpenFlags.WRITE_ONLY
            | OpenFlags.CREATE
            | OpenFlags.EXCLUSIVE
            | OpenFlags.NO_FOLLOW
            | OpenFlags.CLOSE_ON_EXEC;
    long fd = Beneath.openat(fd(), name, flags, mode);
    return new FileHandle((int) Native.check(fd, Syscall.OPENAT, labelOf(name)), labelOf(name));
  }

  /** What is of this name, or empty. */
  public Optional<FileStatus> find(String name) throws PosixException {
    long result = statx(fd(), name);
    if (Native.failedWith(result, Errno.ENOENT)) {
      return Optional.empty();
    }
    Native.check(result, Syscall.STATX, labelOf(name));
    return Optional.of(FileStatus.read(Scratch.get().struct()));
  }

  /** Like {@link #find}, ENOENT if there is nothing. */
  public FileStatus status(String name) throws PosixException {
    return status(fd(), name, labelOf(name));
  }

  /** The names in this directory, in the order of their bytes. */
  public List<String> names() throws PosixException {
    return rawNames().stream().map(Names::decode).toList();
  }

  private List<byte[]> rawNames() throws PosixException {
    List<byte[]> names = new ArrayList<>();
    Native.check(Native.call(Syscall.LSEEK, fd(), 0, 0), Syscall.LSEEK, label());
    MemorySegment buffer = Scratch.get().buffer();
    int length;
    while ((length =
            (int)
                Native.check(
                    Native.call(Syscall.GETDENTS64, fd(), buffer.address(), Scratch.BUFFER),
                    Syscall.GETDENTS64,
                    label()))
        > 0) {
      addNames(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), names);
    }
    names.sort(Arrays::compareUnsigned);
    return names;
  }

  /**
   * Reads {@code struct linux_dirent64}: inode 8, offset 8, record length 2, type 1, name with a
   * zero.
   */
  private static void addNames(byte[] entries, List<byte[]> names) {
    for (int at = 0; at < entries.length; ) {
      int start = at + 19;
      int end = start;
      while (entries[end] != 0) {
        end++;
      }
      byte[] name = Arrays.copyOfRange(entries, start, end);
      if (!isDots(name)) {
        names.add(name);
      }
      at += Byte.toUnsignedInt(entries[at + 16]) | Byte.toUnsignedInt(entries[at + 17]) << 8;
    }
  }

  private static boolean isDots(byte[] name) {
    return name[0] == '.' && (name.length == 1 || (name.length == 2 && name[1] == '.'));
  }

  /** The entries with their status, in the order of their names' bytes. */
  public List<Entry> entries() throws PosixException {
    List<byte[]> names = rawNames();
    List<Entry> entries = new ArrayList<>(names.size());
    for (byte[] name : names) {
      long result = statx(fd(), name);
      if (!Native.failedWith(result, Errno.ENOENT)) {
        String decoded = Names.decode(name);
        Native.check(result, Syscall.STATX, labelOf(decoded));
        entries.add(new Entry(decoded, FileStatus.read(Scratch.get().struct())));
      }
    }
    return entries;
  }

  /** What kind of file system this is on: the magic number that statfs(2) tells. */
  public long fileSystem() throws PosixException {
    MemorySegment status = Scratch.get().struct();
    Native.check(Native.call(Syscall.FSTATFS, fd(), status.address()), Syscall.FSTATFS, label());
    return status.asSlice(0, Long.BYTES).toArray(ValueLayout.JAVA_LONG)[0];
  }

  /** A symbolic link's text. */
  public String readLink(String name) throws PosixException {
    Scratch scratch = Scratch.get();
    MemorySegment buffer = scratch.buffer();
    long length =
        Native.call(
            Syscall.READLINKAT, fd(), scratch.first(name), buffer.address(), Scratch.BUFFER);
    Native.check(length, Syscall.READLINKAT, labelOf(name));
    return Names.decode(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
  }

  /** Creates a directory; the process's umask applies to the mode. */
  public void makeDirectory(String name, int mode) throws PosixException {
    long result = Native.call(Syscall.MKDIRAT, fd(), Scratch.get().first(name), mode);
    Native.check(result, Syscall.MKDIRAT, labelOf(name));
  }

  /** Creates a fifo, or a device (EPERM where that is not allowed); the umask applies. */
  public void makeNode(String name, FileType type, int mode, int major, int minor)
      throws PosixException {
    // makedev(3): minor's low byte, twelve bits of major, the rest of both above.
    long device =
        (minor & 0xffL)
            | (major & 0xfffL) << 8
            | (minor & 0xffffff00L) << 12
            | (major & 0xfffff000L) << 32;
    long result =
        Native.call(Syscall.MKNODAT, fd(), Scratch.get().first(name), type.bits() | mode, device);
    Native.check(result, Syscall.MKNODAT, labelOf(name));
  }

  public void makeSymlink(String name, String target) throws PosixException {
    Scratch scratch = Scratch.get();
    long result = Native.call(Syscall.SYMLINKAT, scratch.first(target), fd(), scratch.second(name));
    Native.check(result, Syscall.SYMLINKAT, labelOf(name));
  }

  /** Gives what is called {@code fromName} in {@code from} a further name here. */
  public void makeLink(String name, DirectoryHandle from, String fromName) throws PosixException {
    Scratch scratch = Scratch.get();
    long result =
        Native.call(
            Syscall.LINKAT, from.fd(), scratch.first(fromName), fd(), scratch.second(name), 0, 0);
    Native.check(result, Syscall.LINKAT, labelOf(name) + " to " + from.labelOf(fromName));
  }

  /** Removes what is no directory. */
  public void unlink(String name) throws PosixException {
    long result = Native.call(Syscall.UNLINKAT, fd(), Scratch.get().first(name), 0);
    Native.check(result, Syscall.UNLINKAT, labelOf(name));
  }

  /** Removes an empty directory. */
  public void removeDirectory(String name) throws PosixException {
    long result = Native.call(Syscall.UNLINKAT, fd(), Scratch.get().first(name), AT_REMOVEDIR);
    Native.check(result, Syscall.UNLINKAT, labelOf(name));
  }

  /** Moves an entry; what has the new name is replaced, as rename(2) allows it. */
  public void rename(String name, DirectoryHandle to, String newName) throws PosixException {
    Scratch scratch = Scratch.get();
    long result =
        Native.call(
            Syscall.RENAMEAT2, fd(), scratch.first(name), to.fd(), scratch.second(newName), 0, 0);
    Native.check(result, Syscall.RENAMEAT2, labelOf(name) + " to " + to.labelOf(newName));
  }

  /** Sets the permission bits of what is no symbolic link, without opening it. */
  public void chmod(String name, int mode) throws PosixException {
    String label = labelOf(name);
    int flags = OpenFlags.PATH | OpenFlags.NO_FOLLOW | OpenFlags.CLOSE_ON_EXEC;
    int entry = (int) Native.check(Beneath.openat(fd(), name, flags, 0), Syscall.OPENAT, label);
    try {
      if (status(entry, "", label).type() == FileType.SYMLINK) {
        throw new PosixException("chmod " + label, Errno.ELOOP.number());
      }
      // The descriptor's magic link leads to this very entry; fchmod refuses O_PATH descriptors.
      long path = Scratch.get().first("/proc/self/fd/" + entry);
      Native.check(
          Native.call(Syscall.FCHMODAT, Native.AT_FDCWD, path, mode), Syscall.FCHMODAT, label);
    } finally {
      Native.call(Syscall.CLOSE, entry);
    }
  }

  /** Sets the owner of the entry itself; clears setuid and setgid of files. */
  public void chown(String name, int uid, int gid) throws PosixException {
    long result =
        Native.call(
            Syscall.FCHOWNAT, fd(), Scratch.get().first(name), uid, gid, AT_SYMLINK_NOFOLLOW, 0);
    Native.check(
        result,
        Syscall.FCHOWNAT,
        labelOf(name)
            + " to "
            + Integer.toUnsignedString(uid)
            + ":"
            + Integer.toUnsignedString(gid));
  }

  /** Sets modification and access time of the entry itself. */
  public void setTimes(String name, long seconds, int nanos) throws PosixException {
    utimens(fd(), Scratch.get().first(name), AT_SYMLINK_NOFOLLOW, seconds, nanos, labelOf(name));
  }

  static void utimens(int fd, long path, int flags, long seconds, int nanos, String label)
      throws PosixException {
    MemorySegment times = Scratch.get().struct(seconds, nanos, seconds, nanos);
    Native.check(
        Native.call(Syscall.UTIMENSAT, fd, path, times.address(), flags), Syscall.UTIMENSAT, label);
  }

  /** All extended attributes of the entry itself that may be read, by full name. */
  public SortedMap<String, byte[]> xattrs(String name) throws PosixException {
    return Xattrs.of(this, name).all();
  }

  public void setXattr(String name, String attribute, byte[] value) throws PosixException {
    Xattrs.of(this, name).set(attribute, value);
  }

  String labelOf(String path) {
    return path.isEmpty() ? label() : label() + "/" + path;
  }
}
