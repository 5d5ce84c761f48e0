package build.kiln.runtime.context;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.PosixException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The hashes of a folder's files, kept between builds, so that what did not change is not read
 * again. Thread-safe.
 *
 * <p>A file is the same if inode, size, modification and status change time are, all to the
 * nanosecond: the last of them is set by the kernel whenever anything of a file changes, and by
 * nobody else, so a modification time that was put back hides nothing. It comes from a clock that
 * ticks, and two changes within a tick look like one. So what was changed shortly before it was
 * read is not kept: it may have been changed once more.
 *
 * <p>That holds where one kernel writes all of a file system and has its times: not over a network
 * or FUSE, where they may be a moment old, nor on an overlay, whose files have the numbers of
 * others. It does not hold on a tmpfs either, where writing through a memory mapping changes no
 * time. Elsewhere such a write is seen unless the program has written to the page before and the
 * kernel has not stored it since.
 */
public final class StatCache {
  /** ext2 to ext4, xfs, btrfs, f2fs. */
  private static final Set<Long> TRUSTED = Set.of(0xef53L, 0x58465342L, 0x9123683eL, 0xf2f52010L);

  /** More than ten ticks of the slowest kernel's clock. */
  private static final Duration TICK = Duration.ofMillis(100);

  /** For file systems that keep no parts of seconds. */
  private static final Duration COARSE_TICK = Duration.ofSeconds(2);

  /** Less than this, in bytes, is read faster than the cache. */
  private static final long WORTH = 2 << 20;

  /** What opening a file costs, in bytes read. */
  private static final long OPENING = 16 << 10;

  private final Storage storage;
  private final InstantSource clock;
  private final long worth;
  private final long device;
  private final Map<Long, StatTable.Entry> learned = new ConcurrentHashMap<>();
  private final AtomicLong asked = new AtomicLong();
  private volatile @Nullable StatTable table;

  /** Where the cache is between builds. */
  public interface Storage {
    /** What was saved last, or something else. */
    Optional<ByteBuffer> load() throws IOException;

    /** Keeps it: whole, or not at all. */
    void save(byte[] content) throws IOException;
  }

  private StatCache(Storage storage, InstantSource clock, long worth, long device) {
    this.storage = storage;
    this.clock = clock;
    this.worth = worth;
    this.device = device;
  }

  /** For the files beneath a folder; empty where file systems do not keep what it takes. */
  static Optional<StatCache> of(DirectoryHandle folder, Storage storage) throws PosixException {
    return TRUSTED.contains(folder.fileSystem())
        ? Optional.of(of(folder, storage, InstantSource.system(), WORTH))
        : Optional.empty();
  }

  /**
   * Whatever the file system is.
   *
   * @param worth less than that is not kept, nor looked for; in bytes to read
   */
  static StatCache of(DirectoryHandle folder, Storage storage, InstantSource clock, long worth)
      throws PosixException {
    return new StatCache(storage, clock, worth, folder.status().device());
  }

  /** The SHA-256 of a file that looks like this, if it is known. */
  Optional<byte[]> find(FileStatus file) {
    if (file.device() != device
        || table == null && asked.addAndGet(file.size() + OPENING) <= worth) {
      return Optional.empty();
    }
    return table().find(file);
  }

  /** When a file is opened that may be kept. */
  Instant now() {
    return clock.instant();
  }

  /**
   * Remembers a hash.
   *
   * @param after what the file was like when all was read
   * @param opened when that was begun
   */
  void keep(FileStatus after, Instant opened, byte[] sha256) {
    Instant changed = Instant.ofEpochSecond(after.ctimeSeconds(), after.ctimeNanos());
    Duration tick = after.ctimeNanos() == 0 ? COARSE_TICK : TICK;
    if (after.device() == device
        && changed.isBefore(opened.minus(tick))
        && learned.size() < StatTable.LIMIT) {
      learned.put(after.inode(), new StatTable.Entry(after, sha256));
    }
  }

  /** Keeps what was learned, if it is worth it. That it cannot be kept only costs time. */
  void save() {
    if (cost() <= worth) {
      return;
    }
    StatTable known = table();
    learned.values().removeIf(entry -> known.find(entry.file()).isPresent());
    if (cost() <= worth) {
      return;
    }
    try {
      storage.save(known.with(learned.values()));
    } catch (IOException notKept) {
      return;
    }
  }

  private long cost() {
    return learned.values().stream().mapToLong(entry -> entry.file().size() + OPENING).sum();
  }

  private StatTable table() {
    StatTable present = table;
    if (present == null) {
      synchronized (this) {
        present = table;
        if (present == null) {
          present = load();
          table = present;
        }
      }
    }
    return present;
  }

  private StatTable load() {
    try {
      return storage.load().flatMap(saved -> StatTable.of(saved, device)).orElseGet(this::empty);
    } catch (IOException unreadable) {
      return empty();
    }
  }

  private StatTable empty() {
    return StatTable.empty(device);
  }
}
