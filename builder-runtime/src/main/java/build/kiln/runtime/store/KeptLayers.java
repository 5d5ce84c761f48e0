package build.kiln.runtime.store;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Layers that stay unpacked between builds, in one form ({@link KeptForm}). Thread-safe, and safe
 * between processes.
 *
 * <pre>
 *   unpacked/FORM/sha256-HEX/layer   the tree; never changed once it is there
 *   unpacked/FORM/sha256-HEX/about   see {@link KeptRecord}; dated when it is used
 *   unpacked/FORM/sha256-HEX~...     being removed
 *   unpacked/FORM/sha256-HEX.lock    somebody unpacks it
 * </pre>
 *
 * <p>A tree is filled in this process's scratch, described, and then gets its name by one rename:
 * whoever dies before leaves nothing that is taken for a layer. All of it is below a directory that
 * only its owner may enter, and steps see it through overlays alone, which do not write to lower
 * directories. Nothing is synced to disk: after the machine has gone down nothing of it is used any
 * more, since the form names the start of the machine.
 */
public final class KeptLayers implements AutoCloseable {
  private static final String TREE = "layer";
  static final String ABOUT = "about";
  static final String LOCK = ".lock";
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(2);

  private final LocalStore store;
  private final Path folder;
  private final DirectoryHandle kept;
  private final Path stagingFolder;
  private final DirectoryHandle staging;
  private final AtomicInteger number = new AtomicInteger();

  KeptLayers(LocalStore store, Path folder, DirectoryHandle kept, Path stagingFolder)
      throws PosixException {
    this.store = store;
    this.folder = folder;
    this.kept = kept;
    this.stagingFolder = stagingFolder;
    this.staging = DirectoryHandle.open(stagingFolder);
  }

  /** Whether the folder is this process's user's, and so what is in it. */
  boolean isOwn() throws PosixException {
    return kept.status().uid() == staging.status().uid();
  }

  /**
   * A layer's tree.
   *
   * @param base a handle of a directory above it, good until the store is closed
   * @param folder that directory
   * @param path of the tree beneath
   * @param about what was said of it when it was made
   */
  public record Tree(DirectoryHandle base, Path folder, String path, byte[] about) {}

  /** Unpacks a layer. */
  @FunctionalInterface
  public interface Unpacking {
    /**
     * @param directory empty, of mode 0755
     */
    Unpacked into(DirectoryHandle directory) throws IOException;
  }

  /**
   * A tree that was made.
   *
   * @param whole whether all that the layer has is in it, so that it may be kept; what is not goes
   *     when the store is closed
   * @param bytes of its files
   */
  public record Unpacked(boolean whole, long bytes, byte[] about) {}

  /**
   * A layer that is kept; it stays until the store is closed. Empty if there is none, or if it is
   * not what was put there.
   */
  public Optional<Tree> find(Digest diffId) throws IOException {
    String name = name(diffId);
    if (!store.mark(folder.resolve(name).resolve(ABOUT))) {
      return Optional.empty();
    }
    return read(name);
  }

  private Optional<Tree> read(String name) throws IOException {
    Optional<KeptRecord> record = KeptRecord.read(folder.resolve(name).resolve(ABOUT));
    if (record.isEmpty()) {
      return Optional.empty();
    }
    try (DirectoryHandle entry = kept.openDirectory(name)) {
      return entry.status().uid() == kept.status().uid()
              && entry.find(TREE).filter(record.get()::describes).isPresent()
          ? Optional.of(new Tree(kept, folder, name + "/" + TREE, record.get().about()))
          : Optional.empty();
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** As {@link #find}; makes it if there is none, once for all processes that want it. */
  public Tree get(Digest diffId, Unpacking unpacking) throws IOException {
    Optional<Tree> known = find(diffId);
    if (known.isPresent()) {
      return known.get();
    }
    Path lockFile = folder.resolve(name(diffId) + LOCK);
    try (LockedFile held = lock(lockFile)) {
      try {
        Optional<Tree> meanwhile = find(diffId);
        return meanwhile.isPresent() ? meanwhile.get() : make(diffId, unpacking);
      } finally {
        // Whoever has it open finds the layer, or makes it a second time: both are right.
        Files.deleteIfExists(lockFile);
      }
    }
  }

  /**
   * As {@link #get}, but nobody waits for another: for what is not all here yet, and may take as
   * long as a network does.
   */
  public Tree getAlone(Digest diffId, Unpacking unpacking) throws IOException {
    Optional<Tree> known = find(diffId);
    return known.isPresent() ? known.get() : make(diffId, unpacking);
  }

  private static LockedFile lock(Path file) throws IOException {
    while (true) {
      Optional<LockedFile> locked = LockedFile.tryLock(file, true);
      if (locked.isPresent()) {
        return locked.get();
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted while another process unpacks a layer");
      }
      LockSupport.parkNanos(PAUSE);
    }
  }

  private Tree make(Digest diffId, Unpacking unpacking) throws IOException {
    String name = newEntry();
    try {
      return make(name, diffId, unpacking);
    } catch (IOException | RuntimeException | Error e) {
      try {
        TreeRemover.remove(staging, name);
      } catch (PosixException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private Tree make(String name, Digest diffId, Unpacking unpacking) throws IOException {
    try (DirectoryHandle entry = staging.openDirectory(name)) {
      entry.makeDirectory(TREE, 0700);
      Unpacked made;
      try (DirectoryHandle tree = entry.openDirectory(TREE)) {
        tree.chmod(0755);
        made = unpacking.into(tree);
      }
      if (!made.whole()) {
        return new Tree(staging, stagingFolder, name + "/" + TREE, made.about());
      }
      describe(name, entry, made.bytes(), made.about());
    }
    return publish(name, diffId);
  }

  /**
   * Keeps a directory that is exactly what unpacking a layer would give. It is moved: either into
   * what is kept, or, if that layer is kept already, out of the way.
   *
   * @param bytes of its files
   * @return empty, and the directory stays, if it is on another file system
   */
  public Optional<Tree> adopt(
      Digest diffId, DirectoryHandle parent, String directory, long bytes, byte[] about)
      throws IOException {
    Optional<Tree> known = find(diffId);
    if (known.isPresent()) {
      return known;
    }
    String name = newEntry();
    try (DirectoryHandle entry = staging.openDirectory(name)) {
      try {
        parent.rename(directory, entry, TREE);
      } catch (PosixException e) {
        if (e.errno() == Errno.EXDEV) {
          return Optional.empty();
        }
        throw e;
      }
      describe(name, entry, bytes, about);
    }
    return Optional.of(publish(name, diffId));
  }

  private String newEntry() throws PosixException {
    String name = Integer.toString(number.getAndIncrement());
    staging.makeDirectory(name, 0700);
    return name;
  }

  private void describe(String name, DirectoryHandle entry, long bytes, byte[] about)
      throws IOException {
    KeptRecord record = KeptRecord.of(entry.status(TREE), bytes, about);
    Files.write(stagingFolder.resolve(name).resolve(ABOUT), record.toBytes());
  }

  private Tree publish(String entry, Digest diffId) throws IOException {
    String name = name(diffId);
    while (true) {
      try {
        staging.rename(entry, kept, name);
      } catch (PosixException e) {
        if (e.errno() != Errno.ENOTEMPTY
            && e.errno() != Errno.EEXIST
            && e.errno() != Errno.ENOTDIR) {
          throw e;
        }
        Optional<Tree> known = find(diffId);
        if (known.isPresent()) {
          return known.get();
        }
        moveAway(name);
        continue;
      }
      Optional<Tree> published = find(diffId);
      if (published.isPresent()) {
        return published.get();
      }
      throw new IOException(
          "what was kept in %s is not there any more; something else changes this folder"
              .formatted(folder.resolve(name)));
    }
  }

  /** What has a layer's name and is none, goes with this process's scratch. */
  private void moveAway(String name) throws IOException {
    try (LockedFile held = store.lock().exclusive()) {
      if (read(name).isPresent()) {
        // Another process was faster; steps may see what it has put there by now.
        return;
      }
      kept.rename(name, staging, Integer.toString(number.getAndIncrement()));
    } catch (PosixException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
  }

  private static String name(Digest diffId) {
    return diffId.algorithm() + "-" + diffId.hex();
  }

  @Override
  public void close() {
    kept.close();
    staging.close();
  }
}
