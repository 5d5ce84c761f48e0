package build.kiln.runtime.store;

import build.kiln.runtime.layer.BlobIngest;
import build.kiln.runtime.layer.LayerWriter;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.posix.UniqueNames;
import build.kiln.runtime.store.StoreException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Images and what builds remember, in a directory. Several processes and threads may use one at the
 * same time: everything is written to a temporary name and renamed, so that nothing half-written is
 * ever seen. It is a cache: nothing is synced to disk, and what is found damaged counts as missing.
 *
 * <pre>
 *   blobs/sha256/HEX   content by digest, as in an OCI image layout
 *   tags/              one file a name
 *   cache/             one file a step's cache record
 *   index/             what layers hold, by diff ID
 *   cache-mounts/      directories of RUN --mount=type=cache
 *   unpacked/          layers that stay unpacked, see {@link KeptLayers}
 *   contexts/          hashes of build contexts' files, by the folder
 *   tmp/               one directory a process, for unfinished files
 *   lock               see {@link StoreLock}
 * </pre>
 *
 * What else is unfinished, such as root file systems, can lie elsewhere: a store on a volume holds
 * only what is worth keeping.
 */
public final class LocalStore implements AutoCloseable {
  /** Manifests and configurations may be this large: the limit of most registries, fourfold. */
  private static final int MAX_DOCUMENT = 16 * 1024 * 1024;

  private static final int COPY_BUFFER = 128 * 1024;

  private static final List<String> FOLDERS =
      List.of("blobs/sha256", "tags", "cache", "index", "tmp");

  private final Path root;
  private final GroupAccess access;
  private final ScratchDirectory scratch;
  private final @Nullable ScratchDirectory work;
  private final StoreLock lock;
  private final Uses uses;
  private final Tags tags;
  private final Records cache;
  private final LayerFiles layers;
  private final Set<Digest> trusted = ConcurrentHashMap.newKeySet();
  private final ConcurrentMap<Digest, Expected> arriving = new ConcurrentHashMap<>();
  private final KeptFolders kept = new KeptFolders(this);

  private LocalStore(
      Path root,
      GroupAccess access,
      ScratchDirectory scratch,
      @Nullable ScratchDirectory work,
      LayerWriter writer) {
    this.root = root;
    this.access = access;
    this.scratch = scratch;
    this.work = work;
    this.lock = new StoreLock(root.resolve("lock"));
    this.uses = new Uses(lock);
    this.tags = new Tags(this, root.resolve("tags"));
    this.cache = new Records(this, root.resolve("cache"));
    this.layers = new LayerFiles(this, writer);
  }

  /** Opens a store, making it if there is none. */
  public static LocalStore open(Path root) throws IOException {
    return open(root, LayerWriter.onAllCores());
  }

  /**
   * Opens a store, making it if there is none.
   *
   * @param writer of new layers
   */
  public static LocalStore open(Path root, LayerWriter writer) throws IOException {
    return open(root, null, writer);
  }

  /**
   * Opens a store, making it if there is none.
   *
   * @param work a folder for unfinished work that is no file of the store; null for one in the
   *     store
   * @param writer of new layers
   */
  public static LocalStore open(Path folder, @Nullable Path work, LayerWriter writer)
      throws IOException {
    Path root = folder.toAbsolutePath();
    Path there = root;
    while (!Files.isDirectory(there) && there.getParent() != null) {
      there = there.getParent();
    }
    GroupAccess access = GroupAccess.of(there);
    for (String name : FOLDERS) {
      access.makeFolder(root.resolve(name));
    }
    Path lock = root.resolve("lock");
    if (!Files.exists(lock)) {
      makeLock(lock, access);
    }
    // Where locks are not to be had nothing is; better now than at the first use.
    new StoreLock(lock).shared().close();
    ScratchDirectory scratch = ScratchDirectory.create(root.resolve("tmp"), access);
    return new LocalStore(
        root, access, scratch, work == null ? null : ScratchDirectory.create(work), writer);
  }

  private static void makeLock(Path lock, GroupAccess access) throws IOException {
    try {
      Files.createFile(lock);
      access.open(lock);
    } catch (FileAlreadyExistsException anotherProcess) {
      // It is as good.
    }
  }

  public Path root() {
    return root;
  }

  /** Layers: written, indexed, inflated. */
  public LayerFiles layers() {
    return layers;
  }

  /** Directories that steps keep between builds. */
  public CacheMounts cacheMounts() {
    return new CacheMounts(cacheMountsFolder(), lock);
  }

  /**
   * What is remembered of the files of a build context.
   *
   * @param folder the context's; an absolute path
   */
  public ContextHashes contextHashes(Path folder) {
    return new ContextHashes(this, folder);
  }

  Path cacheMountsFolder() {
    return root.resolve("cache-mounts");
  }

  /** Layers that stay unpacked between builds. */
  KeptFolders kept() {
    return kept;
  }

  Path unpackedFolder() {
    return root.resolve("unpacked");
  }

  /** Whether there is a blob of this digest. One that is there stays until the store is closed. */
  public boolean has(Digest digest) throws IOException {
    return size(digest).isPresent();
  }

  /**
   * Whether there is a blob of this digest and size; one that was cut off does not count. One that
   * is there stays until the store is closed.
   */
  public boolean has(Descriptor descriptor) throws IOException {
    OptionalLong size = size(descriptor.digest());
    boolean there = size.isPresent() && size.getAsLong() == descriptor.size();
    if (there) {
      trusted.add(descriptor.digest());
    }
    return there;
  }

  /**
   * Reads again all blobs that were used or said to be there, and removes those whose bytes are not
   * those of their digests. For when something went wrong that a damaged blob may be the reason of.
   *
   * @return what was removed
   */
  public List<Digest> removeDamaged() throws IOException {
    List<Digest> removed = new ArrayList<>();
    for (Digest digest : trusted) {
      if (!isWhole(digest)) {
        Files.deleteIfExists(blobPath(digest));
        trusted.remove(digest);
        removed.add(digest);
      }
    }
    return removed;
  }

  private boolean isWhole(Digest digest) throws IOException {
    MessageDigest hash = digest.newHash();
    try (InputStream in = Files.newInputStream(blobPath(digest))) {
      byte[] buffer = new byte[128 * 1024];
      for (int n; (n = in.read(buffer)) > 0; ) {
        hash.update(buffer, 0, n);
      }
    } catch (NoSuchFileException e) {
      // What is gone does no harm.
      return true;
    }
    return HexFormat.of().formatHex(hash.digest()).equals(digest.hex());
  }

  /**
   * Checks a blob's bytes.
   *
   * @throws StoreException CONTENT_MISMATCH if they are not those of its digest
   */
  void verify(Digest digest) throws IOException {
    trusted.add(digest);
    uses.mark(blobPath(digest));
    if (!isWhole(digest)) {
      throw damaged(digest);
    }
  }

  private StoreException damaged(Digest digest) {
    return new StoreException(
        Code.CONTENT_MISMATCH,
        "blob %s in the local store %s is damaged; remove the file and pull or build again"
            .formatted(digest, root));
  }

  /** A blob's size in bytes, or empty if there is none. */
  public OptionalLong size(Digest digest) throws IOException {
    if (!uses.mark(blobPath(digest))) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Files.size(blobPath(digest)));
    } catch (NoSuchFileException e) {
      return OptionalLong.empty();
    }
  }

  /** Where a blob is, or would be. The file must not be changed. */
  public Path blobPath(Digest digest) {
    return root.resolve("blobs").resolve(digest.algorithm()).resolve(digest.hex());
  }

  /**
   * A blob's bytes, unbuffered and not verified. Reading one that is {@linkplain #expect expected}
   * waits for it.
   *
   * @throws StoreException NOT_FOUND
   */
  public InputStream open(Digest digest) throws IOException {
    trusted.add(digest);
    Optional<GrowingBlob> coming = arriving(digest);
    if (coming.isPresent()) {
      return coming.get().open();
    }
    uses.mark(blobPath(digest));
    try {
      return Files.newInputStream(blobPath(digest));
    } catch (NoSuchFileException e) {
      throw new StoreException(
          Code.NOT_FOUND, "the local store " + root + " has no blob " + digest, e);
    }
  }

  /**
   * A small blob (manifest, index, configuration), verified.
   *
   * @throws StoreException NOT_FOUND, or CONTENT_MISMATCH if it was damaged or is over 16 MiB
   */
  public byte[] read(Descriptor descriptor) throws IOException {
    if (descriptor.size() > MAX_DOCUMENT) {
      throw new StoreException(
          Code.CONTENT_MISMATCH, "blob " + descriptor.digest() + " is larger than 16 MiB");
    }
    byte[] bytes;
    try (InputStream in = open(descriptor.digest())) {
      bytes = in.readNBytes(MAX_DOCUMENT);
    }
    byte[] hash = descriptor.digest().newHash().digest(bytes);
    if (bytes.length != descriptor.size()
        || !HexFormat.of().formatHex(hash).equals(descriptor.digest().hex())) {
      throw damaged(descriptor.digest());
    }
    return bytes;
  }

  /** Starts a blob; its digest will be a SHA-256. */
  public BlobIngest ingest() throws IOException {
    return new FileIngest(this, tempFile(), "sha256", Digest.sha256(), null, null);
  }

  /**
   * As {@link #ingest()}.
   *
   * @param readers hears of the blob as soon as it is large, while it is written
   */
  BlobIngest ingest(Consumer<GrowingBlob> readers) throws IOException {
    return new FileIngest(this, tempFile(), "sha256", Digest.sha256(), null, readers);
  }

  /** Starts a blob whose digest is known, of whatever algorithm. */
  public BlobIngest ingest(Digest expected) throws IOException {
    return new FileIngest(this, tempFile(), expected.algorithm(), expected.newHash(), null, null);
  }

  /** Keeps these bytes. */
  public Descriptor put(String mediaType, byte[] bytes) throws IOException {
    try (var ingest = ingest()) {
      ingest.out().write(bytes);
      return ingest.commit(mediaType);
    }
  }

  /** Keeps a stream that must have this digest and size. Does not close it. */
  public Descriptor put(Descriptor expected, InputStream in) throws IOException {
    try (var ingest = ingest(expected.digest())) {
      return put(expected, in, ingest);
    }
  }

  /**
   * As {@link #put(Descriptor, InputStream)}, for a stream that compares its digest itself: reading
   * its last byte fails if it is another one.
   */
  public Descriptor putVerified(Descriptor expected, InputStream in) throws IOException {
    Digest digest = expected.digest();
    try (var ingest =
        new FileIngest(
            this, tempFile(), digest.algorithm(), null, arriving(digest).orElse(null), null)) {
      return put(expected, in, ingest);
    }
  }

  /**
   * Says that a blob is about to come: whoever opens it from now on reads it as it arrives by
   * {@link #putVerified}, or when it is there by whatever way.
   *
   * @return to be closed when it has come, or is not going to: whoever still waits for it hears of
   *     that. Without effect if another one of the same blob is not closed
   */
  public Arrival expect(Descriptor blob) {
    var expected = new Expected(blob, new GrowingBlob());
    if (arriving.putIfAbsent(blob.digest(), expected) != null) {
      return () -> {};
    }
    return () -> {
      arriving.remove(blob.digest(), expected);
      if (lies(blob)) {
        expected.growing.committed(blob, blobPath(blob.digest()));
      } else {
        expected.growing.givenUp();
      }
    };
  }

  /** A blob that is expected. */
  @FunctionalInterface
  public interface Arrival extends AutoCloseable {
    @Override
    void close();
  }

  private record Expected(Descriptor blob, GrowingBlob growing) {}

  /** Whether to read a blob now means to wait for it. */
  boolean isArriving(Digest digest) {
    return arriving(digest).isPresent();
  }

  private Optional<GrowingBlob> arriving(Digest digest) {
    Expected expected = arriving.get(digest);
    return expected == null || lies(expected.blob) || !expected.growing.isComing()
        ? Optional.empty()
        : Optional.of(expected.growing);
  }

  private boolean lies(Descriptor blob) {
    try {
      return Files.size(blobPath(blob.digest())) == blob.size();
    } catch (IOException notThere) {
      return false;
    }
  }

  private static Descriptor put(Descriptor expected, InputStream in, BlobIngest ingest)
      throws IOException {
    byte[] buffer = new byte[(int) Math.clamp(expected.size(), 1, COPY_BUFFER)];
    for (int n; (n = in.read(buffer)) >= 0; ) {
      ingest.out().write(buffer, 0, n);
    }
    return ingest.commit(expected);
  }

  /** Gives a manifest or index a name; a name without tag and digest is {@code latest}. */
  public void tag(Reference name, Descriptor descriptor) throws IOException {
    if (!MediaTypes.isManifest(descriptor.mediaType())
        && !MediaTypes.isIndex(descriptor.mediaType())) {
      throw new StoreException(
          Code.UNSUPPORTED,
          "cannot tag " + name + ": " + descriptor.mediaType() + " is no manifest and no index");
    }
    try (LockedFile held = lock.shared()) {
      for (Digest blob : ImageReach.of(this, List.of(descriptor)).blobs()) {
        uses.mark(blobPath(blob));
      }
      cache.put(StoreContents.IMAGE + descriptor.digest(), Json.write(descriptor, Descriptor.JSON));
      tags.put(name.withDefaultTag(), descriptor);
    }
  }

  /**
   * Remembers that a manifest or index is an image of the user's also without a name, and no base
   * that a build has looked at.
   */
  public void keepImage(Descriptor descriptor) throws IOException {
    cache.put(StoreContents.IMAGE + descriptor.digest(), Json.write(descriptor, Descriptor.JSON));
  }

  /** What a name stands for; empty also if the manifest itself is gone. */
  public Optional<Descriptor> resolve(Reference name) throws IOException {
    Optional<Descriptor> found = tags.get(name.withDefaultTag());
    boolean good =
        found.isPresent()
            && has(found.get())
            && (name.digest() == null || name.digest().equals(found.get().digest()));
    return good ? found : Optional.empty();
  }

  /** All names, in their text's order. */
  public List<Tagged> list() throws IOException {
    return tags.list();
  }

  /** Forgets a name; whether there was one. The blobs stay. */
  public boolean untag(Reference name) throws IOException {
    return tags.remove(name.withDefaultTag());
  }

  /** A name and what it stands for. */
  public record Tagged(Reference name, Descriptor descriptor) {}

  /** Remembers a record of the step cache. */
  public void putCache(String key, byte[] json) throws IOException {
    cache.put(key, json);
  }

  /** Forgets a record of the step cache, if there is one. */
  public void removeCache(String key) throws IOException {
    cache.remove(key);
  }

  /** A record of the step cache; a damaged one is none. */
  public Optional<byte[]> getCache(String key) {
    Optional<byte[]> record = cache.get(key);
    if (record.isPresent()) {
      try {
        uses.mark(cache.file(key));
      } catch (IOException notMarked) {
        // It looks older than it is, and is had already.
        return record;
      }
    }
    return record;
  }

  /**
   * The key of the record that says where the layers of an image are. It stays as long as the
   * image.
   */
  public static String originsRecord(Digest image) {
    return StoreContents.ORIGINS + image;
  }

  /** Where the index of a layer is kept. */
  Path indexPath(Digest diffId) {
    return root.resolve("index").resolve(diffId.algorithm() + "-" + diffId.hex());
  }

  /**
   * Marks a file as used: if it is there, it stays until the store is closed.
   *
   * @return whether it is there, and stays
   */
  boolean mark(Path file) throws IOException {
    return uses.mark(file);
  }

  StoreLock lock() {
    return lock;
  }

  Records cacheRecords() {
    return cache;
  }

  /** See {@link ScratchDirectory#oldestUse}. */
  FileTime oldestUse() throws IOException {
    return scratch.oldestUse();
  }

  /**
   * A new empty directory for unfinished work, on the same file system as the blobs unless the
   * store was opened with a folder for that. It goes when the store is closed, or after the process
   * has died.
   */
  public Path scratch(String name) throws IOException {
    return UniqueNames.createDirectory(workFolder(), name + "-");
  }

  private Path workFolder() throws IOException {
    return work == null ? scratch.path() : work.path();
  }

  /** A new name for a file that only this process uses. */
  Path workFile() throws IOException {
    return workFolder().resolve(UniqueNames.next());
  }

  /** A new folder for unfinished files, on the same file system as the blobs. */
  Path tempFolder(String name) throws IOException {
    return UniqueNames.createDirectory(scratch.path(), name + "-");
  }

  /** A new name for an unfinished file, on the same file system as the blobs. */
  Path tempFile() throws IOException {
    return scratch.path().resolve(UniqueNames.next());
  }

  /** Writes a small file so that others see the old or the new one, and never a part. */
  void replace(Path file, byte[]... parts) throws IOException {
    Path temp = tempFile();
    try {
      try (OutputStream out = Files.newOutputStream(temp)) {
        for (byte[] part : parts) {
          out.write(part);
        }
      }
      moveInto(temp, file);
    } finally {
      Files.deleteIfExists(temp);
    }
  }

  /** Gives a whole file its name. */
  void moveInto(Path temp, Path file) throws IOException {
    access.open(temp);
    Path parent = file.getParent();
    if (parent != null) {
      access.makeFolder(parent);
    }
    Files.move(temp, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Removes this process's unfinished work. Blobs being written are given up. */
  @Override
  public void close() throws IOException {
    kept.close();
    try {
      if (work != null) {
        work.close();
      }
    } finally {
      scratch.close();
    }
  }
}
