package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Rememberable;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class StatCacheTest {
  private static final Duration TICKS = Duration.ofMillis(150);

  @TempDir Path folder;
  private final Kept kept = new Kept();

  /** The files that the last look did not read. */
  private final Set<String> notRead = new TreeSet<>();

  /** Keeps what was saved in memory. */
  private static final class Kept implements StatCache.Storage {
    private byte[] saved = new byte[0];
    private int savings;
    private int loads;

    @Override
    public Optional<ByteBuffer> load() {
      loads++;
      return savings == 0 ? Optional.empty() : Optional.of(ByteBuffer.wrap(saved));
    }

    @Override
    public void save(byte[] content) {
      savings++;
      saved = content;
    }
  }

  @BeforeEach
  void write() throws IOException {
    for (String name : List.of("a", "b", "c", "d/a", "d/b")) {
      Files.createDirectories(path(name).getParent());
      Files.writeString(path(name), "content of " + name);
    }
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  /** Until what was written before no longer is of the same tick. */
  private static void settle() {
    Instant then = Instant.now().plus(TICKS);
    Awaitility.await().pollInterval(Duration.ofMillis(10)).until(() -> Instant.now().isAfter(then));
  }

  /** A build's look at all files, with the cache. */
  private Map<String, String> look() throws IOException {
    return look(InstantSource.system(), 0);
  }

  private Map<String, String> look(InstantSource clock, long worth) throws IOException {
    notRead.clear();
    var hashes = new TreeMap<String, String>();
    try (var root = DirectoryHandle.open(folder)) {
      StatCache cache = StatCache.of(root, kept, clock, worth);
      look(new LocalTree(root, cache), "", hashes);
      cache.save();
    }
    return hashes;
  }

  private void look(FileTree tree, String directory, Map<String, String> hashes)
      throws IOException {
    for (EntryMeta entry : tree.children(directory)) {
      if (entry.isDirectory()) {
        look(tree, entry.path(), hashes);
        continue;
      }
      Optional<byte[]> known = tree.knownHash(entry);
      known.ifPresent(hash -> notRead.add(entry.path()));
      byte[] hash = known.isPresent() ? known.get() : read(tree, entry);
      hashes.put(entry.path(), HexFormat.of().formatHex(hash));
    }
  }

  private static byte[] read(FileTree tree, EntryMeta file) throws IOException {
    MessageDigest hash = Digest.sha256();
    try (InputStream in = tree.open(file)) {
      new DigestInputStream(in, hash).transferTo(OutputStream.nullOutputStream());
      byte[] digest = hash.digest();
      ((Rememberable) in).hashedTo(digest);
      return digest;
    }
  }

  /** What is in the files, without any cache. */
  private Map<String, String> truth() throws IOException {
    var hashes = new TreeMap<String, String>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        hashes.put(
            folder.relativize(file).toString(), Digest.ofBytes(Files.readAllBytes(file)).hex());
      }
    }
    return hashes;
  }

  /** Something that happens to files. */
  @FunctionalInterface
  interface Edit {
    void on(Path a, Path b) throws IOException;
  }

  private static void rewrite(Path file, UnaryOperator<byte[]> change) throws IOException {
    FileTime time = Files.getLastModifiedTime(file);
    Files.write(file, change.apply(Files.readAllBytes(file)));
    Files.setLastModifiedTime(file, time);
  }

  /** Another content of the same length, the times as they were. */
  private static void changeInPlace(Path file) throws IOException {
    rewrite(
        file,
        bytes -> {
          bytes[0]++;
          return bytes;
        });
  }

  static Stream<Arguments> edits() {
    return Stream.of(
        edit("content of the same length, time put back", (a, b) -> changeInPlace(a)),
        edit("longer", (a, b) -> rewrite(a, bytes -> Arrays.copyOf(bytes, 99))),
        edit("empty", (a, b) -> rewrite(a, bytes -> new byte[0])),
        edit("renamed over", (a, b) -> Files.move(a, b, StandardCopyOption.REPLACE_EXISTING)),
        edit(
            "swapped",
            (a, b) -> {
              Path aside = a.resolveSibling("aside");
              Files.move(a, aside);
              Files.move(b, a);
              Files.move(aside, b);
            }),
        edit(
            "removed and made anew, perhaps of the same inode",
            (a, b) -> {
              FileTime time = Files.getLastModifiedTime(a);
              byte[] bytes = Files.readAllBytes(a);
              bytes[1]++;
              Files.delete(a);
              Files.write(a, bytes);
              Files.setLastModifiedTime(a, time);
            }),
        edit(
            "saved as editors do, time kept",
            (a, b) -> {
              Path next = a.resolveSibling("next");
              byte[] bytes = Files.readAllBytes(a);
              bytes[2]++;
              Files.write(next, bytes);
              Files.setLastModifiedTime(next, Files.getLastModifiedTime(a));
              Files.move(next, a, StandardCopyOption.REPLACE_EXISTING);
            }),
        edit(
            "a hard link, written to by the other name",
            (a, b) -> {
              Files.delete(b);
              Files.createLink(b, a);
              changeInPlace(b);
            }),
        edit(
            "mode",
            (a, b) ->
                Files.setPosixFilePermissions(a, PosixFilePermissions.fromString("rwx------"))),
        edit("touched", (a, b) -> Files.setLastModifiedTime(a, FileTime.fromMillis(12_345))),
        edit(
            "dated in the future, then changed",
            (a, b) -> {
              Files.setLastModifiedTime(a, FileTime.from(Instant.now().plusSeconds(86_400)));
              changeInPlace(a);
            }));
  }

  private static Arguments edit(String what, Edit edit) {
    return Arguments.of(what, edit);
  }

  @Test
  void whatDidNotChangeIsNotReadAgain() throws IOException {
    settle();
    assertThat(look()).isEqualTo(truth());
    assertThat(notRead).isEmpty();
    assertThat(look()).isEqualTo(truth());
    assertThat(notRead).containsExactly("a", "b", "c", "d/a", "d/b");
    assertThat(kept.savings).isEqualTo(1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("edits")
  void everyChangeIsSeen(String what, Edit edit) throws IOException {
    settle();
    look();
    edit.on(path("a"), path("d/b"));
    Map<String, String> truth = truth();
    assertThat(look()).isEqualTo(truth);
    assertThat(notRead).contains("b", "c", "d/a");
    settle();
    assertThat(look()).isEqualTo(truth);
    assertThat(look()).isEqualTo(truth);
    assertThat(notRead).isEqualTo(truth.keySet());
  }

  /** Kernels that tell changes within a tick apart, since 6.13, need no such rule; others do. */
  @ParameterizedTest
  @CsvSource({"0, false", "1, false", "99, false", "101, true", "5000, true"})
  void aChangeShortlyBeforeTheReadingMayNotBeTheLast(long millis, boolean trusted)
      throws IOException {
    assertThat(isKept(500_000_000, Duration.ofMillis(millis))).isEqualTo(trusted);
  }

  @ParameterizedTest
  @CsvSource({"101, false", "1999, false", "2001, true"})
  void timesInWholeSecondsTellLess(long millis, boolean trusted) throws IOException {
    assertThat(isKept(0, Duration.ofMillis(millis))).isEqualTo(trusted);
  }

  /** Whether the hash of a file is kept that was read so long after it was changed. */
  private boolean isKept(int nanos, Duration later) throws IOException {
    try (var root = DirectoryHandle.open(folder)) {
      FileStatus like = root.status("a");
      long seconds = 1_700_000_000;
      var file =
          new FileStatus(
              FileType.FILE, 0644, 0, 0, 5, 1, 1, seconds, nanos, 99, like.device(), 1, 0, 0);
      StatCache cache = StatCache.of(root, kept, InstantSource.system(), 0);
      cache.keep(file, Instant.ofEpochSecond(seconds, nanos).plus(later), new byte[32]);
      cache.save();
      return StatCache.of(root, kept, InstantSource.system(), 0).find(file).isPresent();
    }
  }

  /** Edits right before and right after a look are of one tick of the file system's clock. */
  @Test
  void whatWasChangedWithinOneTickIsNotTrusted() throws IOException {
    for (int i = 0; i < 300; i++) {
      changeInPlace(path("a"));
      look();
      changeInPlace(path("a"));
      assertThat(look()).as("edit " + i).isEqualTo(truth());
    }
  }

  @Test
  void anyMixtureOfChangesIsSeen() throws IOException {
    List<Edit> edits = edits().map(arguments -> (Edit) arguments.get()[1]).toList();
    var random = new Random(5);
    for (int round = 0; round < 60; round++) {
      for (int i = random.nextInt(4); i >= 0; i--) {
        var files = new ArrayList<>(truth().keySet());
        Path a = path(files.remove(random.nextInt(files.size())));
        Path b = path(files.remove(random.nextInt(files.size())));
        if (Files.size(a) > 2 && !Files.isSameFile(a, b)) {
          edits.get(random.nextInt(edits.size())).on(a, b);
        }
        if (files.isEmpty() || Files.size(path(files.getFirst())) < 3) {
          write();
        }
      }
      if (random.nextInt(4) == 0) {
        settle();
      }
      assertThat(look()).as("round " + round).isEqualTo(truth());
    }
  }

  /** A clock that goes wrong costs time. */
  @ParameterizedTest
  @ValueSource(longs = {-86_400, -3_600})
  void whatSeemsToBeOfTheFutureIsNotKept(long seconds) throws IOException {
    look(() -> Instant.now().plusSeconds(seconds), 0);
    assertThat(kept.savings).isZero();
  }

  @Test
  void littleIsNeitherKeptNorLookedFor() throws IOException {
    settle();
    assertThat(look(InstantSource.system(), 1 << 20)).isEqualTo(truth());
    assertThat(kept.loads).isZero();
    assertThat(kept.savings).isZero();
  }

  @Test
  void aLittleThatIsNewIsNotWorthSaving() throws IOException {
    Files.write(path("large"), new byte[1 << 20]);
    settle();
    look(InstantSource.system(), 500_000);
    assertThat(kept.savings).isEqualTo(1);
    changeInPlace(path("c"));
    settle();
    assertThat(look(InstantSource.system(), 500_000)).isEqualTo(truth());
    assertThat(notRead).contains("large");
    assertThat(kept.savings).isEqualTo(1);
  }

  @Test
  void whatIsDamagedIsNoCache() throws IOException {
    settle();
    look();
    byte[] whole = kept.saved;
    Map<String, String> truth = truth();
    for (int at = 0; at < whole.length; at++) {
      kept.saved = whole.clone();
      kept.saved[at] ^= 0x10;
      assertThat(look()).isEqualTo(truth);
      assertThat(notRead).as("byte " + at).isEmpty();
      kept.saved = Arrays.copyOf(whole, at);
      look();
      assertThat(notRead).as("cut at " + at).isEmpty();
    }
    kept.saved = new byte[whole.length];
    look();
    assertThat(notRead).isEmpty();
    look();
    assertThat(notRead).isEqualTo(truth.keySet());
  }

  @Test
  void whatIsGoneIsForgottenAfterAWhile() throws IOException {
    settle();
    look();
    Files.delete(path("d/b"));
    int withIt = kept.saved.length;
    for (int i = 0; i < 9; i++) {
      changeInPlace(path("a"));
      settle();
      look();
    }
    assertThat(kept.saved.length).isLessThan(withIt);
    assertThat(look()).isEqualTo(truth());
    assertThat(notRead).containsExactly("a", "b", "c", "d/a");
  }

  /** That a file ends is not read where sizes can be trusted. */
  @Test
  void aFileThatGrowsWhileItIsReadIsTold() throws IOException {
    try (var root = DirectoryHandle.open(folder)) {
      var tree = new LocalTree(root, StatCache.of(root, kept, InstantSource.system(), 0));
      try (InputStream in = tree.open(tree.lookup("a").orElseThrow())) {
        Files.writeString(path("a"), "more", StandardOpenOption.APPEND);
        assertThatThrownBy(() -> in.transferTo(OutputStream.nullOutputStream()))
            .isInstanceOfSatisfying(
                ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.CHANGED));
      }
    }
  }

  /** Writing to a mapped file changes no time there. */
  @Test
  void aTmpfsIsNotTrusted() throws IOException {
    Path memory = Path.of("/dev/shm");
    assumeTrue(
        Files.isWritable(memory) && Files.getFileStore(memory).type().equals("tmpfs"),
        "/dev/shm is no tmpfs that may be written to");
    try (var handle = DirectoryHandle.open(memory)) {
      assertThat(StatCache.of(handle, kept)).isEmpty();
    }
  }

  @Test
  void aDisksFileSystemIsTrusted() throws IOException {
    assumeTrue(
        Set.of("ext4", "xfs", "btrfs").contains(Files.getFileStore(folder).type()),
        "the tests' files are on " + Files.getFileStore(folder).type());
    Files.write(path("large"), new byte[3 << 20]);
    settle();
    for (int i = 0; i < 2; i++) {
      try (var context = LocalContext.open(folder, kept)) {
        EntryMeta large = context.tree().lookup("large").orElseThrow();
        assertThat(context.tree().knownHash(large).isPresent()).isEqualTo(i == 1);
        read(context.tree(), large);
      }
    }
  }
}
