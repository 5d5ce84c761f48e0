package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Shards as files. Each is replaced at once by renaming, under a lock of the directory that holds
 * between processes.
 */
public final class DirectoryShardStore implements ShardStore {
  private static final String SUFFIX = ".gz";

  /** File locks are a process's: within it, threads need one of their own. */
  private static final ReentrantLock THREADS = new ReentrantLock();

  private final Path directory;

  /**
   * @throws IOException if the directory cannot be made
   */
  public DirectoryShardStore(Path directory) throws IOException {
    this.directory = Files.createDirectories(directory);
  }

  @Override
  public Map<String, Stored> load() throws IOException {
    Map<String, Stored> all = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(f -> f.toString().endsWith(SUFFIX)).toList()) {
        String name = file.getFileName().toString();
        Stored stored = read(file);
        if (stored != null) {
          all.put(name.substring(0, name.length() - SUFFIX.length()), stored);
        }
      }
    }
    return all;
  }

  private static @Nullable Stored read(Path file) throws IOException {
    try {
      byte[] bytes = Files.readAllBytes(file);
      return new Stored(bytes, Digest.ofBytes(bytes).hex());
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  @Override
  public boolean put(String name, byte[] bytes, @Nullable String version) throws IOException {
    return locked(
        () -> {
          if (!isAt(name, version)) {
            return false;
          }
          Path unfinished = directory.resolve(name + ".tmp");
          Files.write(unfinished, bytes);
          Files.move(unfinished, file(name), StandardCopyOption.ATOMIC_MOVE);
          return true;
        });
  }

  @Override
  public boolean remove(String name, String version) throws IOException {
    return locked(() -> isAt(name, version) && Files.deleteIfExists(file(name)));
  }

  private boolean isAt(String name, @Nullable String version) throws IOException {
    Stored now = read(file(name));
    return now == null ? version == null : now.version().equals(version);
  }

  private Path file(String name) {
    return directory.resolve(name + SUFFIX);
  }

  private interface Action {
    boolean run() throws IOException;
  }

  private boolean locked(Action action) throws IOException {
    THREADS.lock();
    try (FileChannel channel =
            FileChannel.open(
                directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      return lock.isValid() && action.run();
    } finally {
      THREADS.unlock();
    }
  }
}
