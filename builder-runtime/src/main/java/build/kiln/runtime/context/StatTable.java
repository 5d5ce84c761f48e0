package build.kiln.runtime.context;

import build.kiln.runtime.posix.FileStatus;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.zip.CRC32C;

/**
 * The bytes of a {@link StatCache}: a hash table that is looked into where it lies, so that reading
 * it costs no more than its checksum. Thread-safe.
 *
 * <pre>
 *   magic and version 8, device 8, slots 4, checksum of all else (CRC-32C) 4
 *   slots, each:
 *     inode 8, size 8, modified 8 + 4, status changed 8 + 4, not seen for so many savings 4, 4 free,
 *     SHA-256 32
 * </pre>
 *
 * Numbers are big-endian. An inode's slot is the first that is free, or its own, from the one that
 * its number leads to; inode 0, which no file has, is a free one.
 */
final class StatTable {
  /** So many files at most: 30 MB. */
  static final int LIMIT = 250_000;

  private static final long MAGIC = 0x4b696c6e53740001L;
  private static final int HEADER = 24;
  private static final int CHECKSUM = 20;
  private static final int SLOT = 80;
  private static final int SIZE = 8;
  private static final int MODIFIED = 16;
  private static final int CHANGED = 24;
  private static final int MODIFIED_NANOS = 32;
  private static final int CHANGED_NANOS = 36;
  private static final int UNSEEN = 40;
  private static final int HASH = 48;
  private static final int HASH_LENGTH = 32;

  /** What was not seen in so many builds that had something new goes. */
  private static final int MAX_UNSEEN = 8;

  private final ByteBuffer bytes;
  private final long device;
  private final int slots;

  /** A bit for each slot that was found. */
  private final AtomicIntegerArray seen;

  /** A file and the hash of its content. */
  record Entry(FileStatus file, byte[] sha256) {}

  private StatTable(ByteBuffer bytes, long device, int slots) {
    this.bytes = bytes;
    this.device = device;
    this.slots = slots;
    this.seen = new AtomicIntegerArray(slots / Integer.SIZE + 1);
  }

  static StatTable empty(long device) {
    return new StatTable(ByteBuffer.allocate(HEADER), device, 0);
  }

  /** Empty if it is of another device, or damaged. */
  static Optional<StatTable> of(ByteBuffer bytes, long device) {
    if (bytes.limit() < HEADER || bytes.getLong(0) != MAGIC || bytes.getLong(8) != device) {
      return Optional.empty();
    }
    int slots = bytes.getInt(16);
    boolean whole =
        slots > 0
            && bytes.limit() == HEADER + (long) slots * SLOT
            && bytes.getInt(CHECKSUM) == checksum(bytes);
    return whole ? Optional.of(new StatTable(bytes, device, slots)) : Optional.empty();
  }

  private static int checksum(ByteBuffer bytes) {
    var sum = new CRC32C();
    sum.update(bytes.slice(0, CHECKSUM));
    sum.update(bytes.slice(HEADER, bytes.limit() - HEADER));
    return (int) sum.getValue();
  }

  /** The hash of a file of which nothing has changed. */
  Optional<byte[]> find(FileStatus file) {
    int at = slots == 0 ? -1 : offset(bytes, slots, file.inode());
    if (at < 0 || bytes.getLong(at) == 0 || !matches(at, file)) {
      return Optional.empty();
    }
    int slot = (at - HEADER) / SLOT;
    int bit = 1 << slot % Integer.SIZE;
    seen.getAndUpdate(slot / Integer.SIZE, bits -> bits | bit);
    byte[] hash = new byte[HASH_LENGTH];
    bytes.get(at + HASH, hash);
    return Optional.of(hash);
  }

  private boolean matches(int at, FileStatus file) {
    return bytes.getLong(at + SIZE) == file.size()
        && bytes.getLong(at + MODIFIED) == file.mtimeSeconds()
        && bytes.getLong(at + CHANGED) == file.ctimeSeconds()
        && bytes.getInt(at + MODIFIED_NANOS) == file.mtimeNanos()
        && bytes.getInt(at + CHANGED_NANOS) == file.ctimeNanos();
  }

  /** Where an inode is, or would be; -1 if a table that is whole but wrong has no room for it. */
  private static int offset(ByteBuffer bytes, int slots, long inode) {
    // Neighbours in a directory have neighbouring numbers: spread, they do not crowd.
    int slot = (int) Long.remainderUnsigned(inode * 0x9e3779b97f4a7c15L >>> 20, slots);
    for (int tried = 0; tried < slots; tried++) {
      int at = HEADER + slot * SLOT;
      long there = bytes.getLong(at);
      if (there == inode || there == 0) {
        return at;
      }
      slot = slot + 1 == slots ? 0 : slot + 1;
    }
    return -1;
  }

  /** The bytes of a table with these entries, and those of this one that they do not replace. */
  byte[] with(Collection<Entry> entries) {
    BitSet kept = kept(entries);
    int count = Math.min(LIMIT, entries.size() + kept.cardinality());
    int size = count + count / 2 + 1;
    ByteBuffer made = ByteBuffer.allocate(HEADER + size * SLOT);
    int left = count;
    for (Entry entry : entries) {
      if (left-- > 0) {
        write(made, offset(made, size, entry.file().inode()), entry);
      }
    }
    for (int slot = kept.nextSetBit(0); slot >= 0 && left-- > 0; slot = kept.nextSetBit(slot + 1)) {
      int from = HEADER + slot * SLOT;
      int to = offset(made, size, bytes.getLong(from));
      made.put(to, bytes, from, SLOT);
      made.putInt(to + UNSEEN, unseen(slot));
    }
    made.putLong(0, MAGIC).putLong(8, device).putInt(16, size);
    return made.putInt(CHECKSUM, checksum(made)).array();
  }

  /** The slots that stay. */
  private BitSet kept(Collection<Entry> replacing) {
    Set<Long> replaced = new HashSet<>();
    replacing.forEach(entry -> replaced.add(entry.file().inode()));
    var kept = new BitSet(slots);
    for (int slot = 0; slot < slots; slot++) {
      long inode = bytes.getLong(HEADER + slot * SLOT);
      kept.set(slot, inode != 0 && unseen(slot) <= MAX_UNSEEN && !replaced.contains(inode));
    }
    return kept;
  }

  private int unseen(int slot) {
    boolean found = (seen.get(slot / Integer.SIZE) & 1 << slot % Integer.SIZE) != 0;
    return found ? 0 : bytes.getInt(HEADER + slot * SLOT + UNSEEN) + 1;
  }

  private static void write(ByteBuffer to, int at, Entry entry) {
    FileStatus file = entry.file();
    to.putLong(at, file.inode())
        .putLong(at + SIZE, file.size())
        .putLong(at + MODIFIED, file.mtimeSeconds())
        .putLong(at + CHANGED, file.ctimeSeconds())
        .putInt(at + MODIFIED_NANOS, file.mtimeNanos())
        .putInt(at + CHANGED_NANOS, file.ctimeNanos())
        .put(at + HASH, entry.sha256());
  }
}
