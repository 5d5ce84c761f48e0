package build.kiln.runtime.posix;

import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A program that {@code posix_spawn(3)} has started: leader of a session of its own, in the root
 * directory, with an empty environment, nothing ignored or blocked, and of this process's files
 * only three pipes, which the caller closes. {@link ProcessBuilder} makes a helper program start
 * it, and looks in all jars for a logger before the first.
 */
public final class ChildProcess extends Process {
  /** {@code POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID}. */
  private static final int FLAGS = 0x04 | 0x08 | 0x80;

  /** More than any C library's {@code posix_spawn_file_actions_t} and {@code sigset_t} have. */
  private static final int STRUCT = 256;

  /** More than any C library's {@code posix_spawnattr_t} has. */
  private static final int ATTRIBUTES = 512;

  private static final int FIRST_OTHER = 3;
  private static final int P_PID = 1;
  private static final int WEXITED = 4;
  private static final int WNOWAIT = 0x01000000;

  /** The exit code of one of which the kernel does not say how it ended: no success. */
  private static final int UNKNOWN = 255;

  private static final int SIGCHLD = 17;
  private static final int SIG_DFL = 0;
  private static final int SIGKILL = 9;
  private static final int SIGTERM = 15;

  private final int pid;
  private final OutputStream in;
  private final InputStream out;
  private final InputStream err;
  private final CountDownLatch ended = new CountDownLatch(1);
  private int code;
  private boolean reaped;

  /** The C library's functions; empty if it lacks one, as those before glibc 2.34 do. */
  private record Library(
      NativeFunction spawn,
      NativeFunction initActions,
      NativeFunction destroyActions,
      NativeFunction addDup2,
      NativeFunction addChdir,
      NativeFunction addCloseFrom,
      NativeFunction initAttributes,
      NativeFunction destroyAttributes,
      NativeFunction setFlags,
      NativeFunction setDefaults,
      NativeFunction setMask) {
    static final Optional<Library> FOUND = find();

    private static Optional<Library> find() {
      if (!Native.supported()) {
        return Optional.empty();
      }
      SymbolLookup symbols = Linker.nativeLinker().defaultLookup();
      String actions = "posix_spawn_file_actions_";
      String attributes = "posix_spawnattr_";
      List<String> names =
          List.of(
              "posix_spawn",
              actions + "init",
              actions + "destroy",
              actions + "adddup2",
              actions + "addchdir_np",
              actions + "addclosefrom_np",
              attributes + "init",
              attributes + "destroy",
              attributes + "setflags",
              attributes + "setsigdefault",
              attributes + "setsigmask",
              "signal");
      NativeFunction[] found = new NativeFunction[names.size()];
      for (int i = 0; i < found.length; i++) {
        Optional<MemorySegment> symbol = symbols.find(names.get(i));
        if (symbol.isEmpty()) {
          return Optional.empty();
        }
        found[i] = new NativeFunction(symbol.get());
      }
      // Who ignores it, perhaps as its own parent did, is not told how a child ended.
      found[found.length - 1].call(SIGCHLD, SIG_DFL, 0, 0, 0, 0);
      return Optional.of(
          new Library(
              found[0], found[1], found[2], found[3], found[4], found[5], found[6], found[7],
              found[8], found[9], found[10]));
    }
  }

  private ChildProcess(int pid, OutputStream in, InputStream out, InputStream err) {
    this.pid = pid;
    this.in = in;
    this.out = out;
    this.err = err;
  }

  /** Whether the C library can do it. */
  public static boolean supported() {
    return Library.FOUND.isPresent();
  }

  /**
   * Starts a program.
   *
   * @param argv the program's path, absolute, and its arguments
   * @throws PosixException if it cannot be started
   * @throws IllegalStateException if this is not {@link #supported}
   */
  public static ChildProcess start(List<String> argv) throws PosixException {
    Library library =
        Library.FOUND.orElseThrow(() -> new IllegalStateException("this C library cannot do it"));
    List<Pipe> pipes = new ArrayList<>();
    int pid = 0;
    try {
      while (pipes.size() < FIRST_OTHER) {
        pipes.add(Pipe.open());
      }
      pid = spawn(library, argv, pipes.get(0).source(), pipes.get(1).sink(), pipes.get(2).sink());
      var child =
          new ChildProcess(
              pid,
              new Pipe.Writer(pipes.get(0).sink()),
              pipes.get(1).source().inputStream(),
              pipes.get(2).source().inputStream());
      Thread.ofPlatform().daemon().name("child-" + pid).start(child::reap);
      pipes.get(0).source().close();
      pipes.get(1).sink().close();
      pipes.get(2).sink().close();
      return child;
    } catch (Throwable e) {
      pipes.forEach(Pipe::close);
      if (pid > 0) {
        // There is no thread for it: nobody else waits for it.
        Native.call(Syscall.KILL, pid, SIGKILL);
        Native.call(Syscall.WAIT4, pid, 0, 0, 0);
      }
      throw e;
    }
  }

  private static int spawn(
      Library library, List<String> argv, FileHandle in, FileHandle out, FileHandle err)
      throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      long actions = arena.allocate(STRUCT, 16).address();
      long attributes = arena.allocate(ATTRIBUTES, 16).address();
      long noSignals = arena.allocate(STRUCT, 16).address();
      long allSignals = arena.allocate(STRUCT, 16).fill((byte) 0xff).address();
      Scratch pid = Scratch.get();
      long path = text(arena, argv.getFirst());
      long words = words(arena, argv);
      long noEnvironment = words(arena, List.of());
      check(library.initActions.call(actions, 0, 0, 0, 0, 0), "prepare");
      check(library.initAttributes.call(attributes, 0, 0, 0, 0, 0), "prepare");
      try {
        long root = text(arena, "/");
        check(library.addChdir.call(actions, root, 0, 0, 0, 0), "prepare");
        check(library.addDup2.call(actions, in.fd(), 0, 0, 0, 0), "prepare");
        check(library.addDup2.call(actions, out.fd(), 1, 0, 0, 0), "prepare");
        check(library.addDup2.call(actions, err.fd(), 2, 0, 0, 0), "prepare");
        check(library.addCloseFrom.call(actions, FIRST_OTHER, 0, 0, 0, 0), "prepare");
        check(library.setFlags.call(attributes, FLAGS, 0, 0, 0, 0), "prepare");
        check(library.setDefaults.call(attributes, allSignals, 0, 0, 0, 0), "prepare");
        check(library.setMask.call(attributes, noSignals, 0, 0, 0, 0), "prepare");
        check(
            library.spawn.call(
                pid.struct().address(), path, actions, attributes, words, noEnvironment),
            argv.getFirst());
      } finally {
        library.destroyActions.call(actions, 0, 0, 0, 0, 0);
        library.destroyAttributes.call(attributes, 0, 0, 0, 0, 0);
      }
      return pid.field(0);
    }
  }

  private static void check(int error, String subject) throws PosixException {
    if (error != 0) {
      throw new PosixException("posix_spawn " + subject, error);
    }
  }

  /** The address of a C string. */
  private static long text(Arena arena, String text) throws PosixException {
    if (text.indexOf('\0') >= 0) {
      throw new PosixException(
          "posix_spawn with a zero byte in an argument", Errno.EINVAL.number());
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return copy(arena, bytes, bytes.length + 1);
  }

  /** The address of an array of C strings, with the null pointer that ends it. */
  private static long words(Arena arena, List<String> words) throws PosixException {
    byte[] pointers = new byte[Long.BYTES * words.size()];
    ByteBuffer buffer = ByteBuffer.wrap(pointers).order(ByteOrder.nativeOrder());
    for (String word : words) {
      buffer.putLong(text(arena, word));
    }
    return copy(arena, pointers, pointers.length + Long.BYTES);
  }

  /** Native memory begins as zeros. */
  private static long copy(Arena arena, byte[] bytes, int size) {
    MemorySegment target = arena.allocate(size, Long.BYTES);
    MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return target.address();
  }

  /** Waits for the end, and only then lets the kernel give its number to others. */
  private void reap() {
    long result;
    do {
      result = Native.call(Syscall.WAITID, P_PID, pid, 0, WEXITED | WNOWAIT, 0, 0);
    } while (Native.failedWith(result, Errno.EINTR));
    Scratch status = Scratch.get();
    synchronized (this) {
      boolean known = Native.call(Syscall.WAIT4, pid, status.struct().address(), 0, 0) == pid;
      int bits = status.field(0);
      int signal = bits & 0x7f;
      code = !known ? UNKNOWN : signal == 0 ? bits >> 8 & 0xff : 128 + signal;
      reaped = true;
    }
    ended.countDown();
  }

  @Override
  public OutputStream getOutputStream() {
    return in;
  }

  @Override
  public InputStream getInputStream() {
    return out;
  }

  @Override
  public InputStream getErrorStream() {
    return err;
  }

  @Override
  public int waitFor() throws InterruptedException {
    ended.await();
    return exitValue();
  }

  @Override
  public boolean waitFor(long timeout, TimeUnit unit) throws InterruptedException {
    return ended.await(timeout, unit);
  }

  @Override
  public synchronized int exitValue() {
    if (!reaped) {
      throw new IllegalThreadStateException("process has not exited");
    }
    return code;
  }

  @Override
  public synchronized boolean isAlive() {
    return !reaped;
  }

  @Override
  public long pid() {
    return pid;
  }

  @Override
  public void destroy() {
    signal(SIGTERM);
  }

  @Override
  public Process destroyForcibly() {
    signal(SIGKILL);
    return this;
  }

  /** Only while the number is still this process's. */
  private synchronized void signal(int signal) {
    if (!reaped) {
      Native.call(Syscall.KILL, pid, signal);
    }
  }
}
