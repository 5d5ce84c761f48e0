package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.layer.LayerWriter;
import build.kiln.runtime.layer.RandomTrees;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.store.StoreException.Code;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LocalStoreTest {
  @TempDir Path dir;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aFolderMayBeANameAlone() throws IOException {
    Path name = Path.of("store-of-a-test-" + ProcessHandle.current().pid());
    try (LocalStore store = LocalStore.open(name)) {
      assertThat(store.resolve(Reference.parse("a:1"))).isEmpty();
    } finally {
      try (DirectoryHandle here = DirectoryHandle.open(Path.of(""))) {
        TreeRemover.remove(here, name.toString());
      }
    }
  }

  @Test
  void blobsAreFoundByDigestAndVerified() throws Exception {
    try (var store = LocalStore.open(dir)) {
      Descriptor blob = store.put("text/plain", bytes("hello"));
      assertThat(blob).isEqualTo(Descriptor.ofBytes("text/plain", bytes("hello")));
      assertThat(store.has(blob.digest())).isTrue();
      assertThat(store.size(blob.digest())).hasValue(5);
      assertThat(store.read(blob)).isEqualTo(bytes("hello"));
      assertThat(store.blobPath(blob.digest()))
          .isEqualTo(dir.resolve("blobs/sha256").resolve(blob.digest().hex()))
          .hasContent("hello");
      assertThat(store.put(blob, new ByteArrayInputStream(bytes("hello")))).isEqualTo(blob);
    }
  }

  @Test
  void sha512BlobsToo() throws Exception {
    var digest =
        new Digest(
            "sha512",
            "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7"
                + "2323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043");
    try (var store = LocalStore.open(dir)) {
      var blob = Descriptor.of("text/plain", digest, 5);
      store.put(blob, new ByteArrayInputStream(bytes("hello")));
      assertThat(store.read(blob)).isEqualTo(bytes("hello"));
    }
  }

  @Test
  void otherBytesThanExpectedAreRefusedAndLeaveNothing() throws Exception {
    try (var store = LocalStore.open(dir)) {
      var expected = Descriptor.ofBytes("text/plain", bytes("hello"));
      for (String wrong : List.of("hellO", "hell", "hello!", "")) {
        assertThatThrownBy(() -> store.put(expected, new ByteArrayInputStream(bytes(wrong))))
            .isInstanceOfSatisfying(
                StoreException.class, e -> assertThat(e.code()).isEqualTo(Code.CONTENT_MISMATCH))
            .hasMessageContaining(expected.digest().toString());
      }
      assertThat(store.has(expected.digest())).isFalse();
      assertThat(files("blobs")).isEmpty();
      assertThat(files("tmp")).hasSize(1).first().asString().endsWith(".lock");
    }
  }

  @Test
  void whatIsNotCommittedIsNeverSeen() throws Exception {
    try (var store = LocalStore.open(dir)) {
      try (var ingest = store.ingest()) {
        ingest.out().write(bytes("half"));
        assertThat(store.has(Digest.ofBytes(bytes("half")))).isFalse();
      }
      assertThat(files("blobs")).isEmpty();
      var twice = store.ingest();
      twice.commit("text/plain");
      assertThatThrownBy(() -> twice.commit("text/plain")).hasMessageContaining("already");
    }
  }

  @Test
  void whoIsInterruptedWhileWritingLeavesNothing() throws Exception {
    try (var store = LocalStore.open(dir)) {
      try (var ingest = store.ingest()) {
        ingest.out().write(bytes("half"));
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> ingest.out().write(bytes("more")))
            .isInstanceOf(ClosedByInterruptException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThatThrownBy(() -> ingest.commit("text/plain")).hasMessageContaining("given up");
      }
      assertThat(files("tmp")).hasSize(1).first().asString().endsWith(".lock");
    }
  }

  @Test
  void aBlobThatWasCutOffIsMissingAndIsMended() throws Exception {
    try (var store = LocalStore.open(dir)) {
      Descriptor blob = store.put("text/plain", bytes("hello"));
      Files.writeString(store.blobPath(blob.digest()), "hel");
      assertThat(store.has(blob)).isFalse();
      assertThatThrownBy(() -> store.read(blob))
          .isInstanceOfSatisfying(
              StoreException.class, e -> assertThat(e.code()).isEqualTo(Code.CONTENT_MISMATCH));
      store.put("text/plain", bytes("hello"));
      assertThat(store.read(blob)).isEqualTo(bytes("hello"));
    }
  }

  @Test
  void missingBlobsAreNamed() throws Exception {
    try (var store = LocalStore.open(dir)) {
      var digest = Digest.ofBytes(bytes("x"));
      assertThat(store.size(digest)).isEmpty();
      assertThatThrownBy(() -> store.open(digest))
          .isInstanceOfSatisfying(
              StoreException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_FOUND))
          .hasMessageContaining(digest.toString());
    }
  }

  @Test
  void tagsAreSetMovedListedAndRemoved() throws Exception {
    try (var store = LocalStore.open(dir)) {
      var one = store.put(MediaTypes.OCI_MANIFEST, bytes("{1}"));
      var two = store.put(MediaTypes.OCI_INDEX, bytes("{2}"));
      var app = Reference.parse("localhost:5000/app");
      var long1 = Reference.parse("example.com/" + "a".repeat(240) + ":" + "t".repeat(128));
      store.tag(app, one);
      assertThat(store.resolve(Reference.parse("localhost:5000/app:latest"))).contains(one);
      store.tag(app, two);
      store.tag(long1, one);
      store.tag(app.withDigest(one.digest()), one);
      assertThat(store.resolve(app)).contains(two);
      assertThat(store.list())
          .extracting(t -> t.name().toString())
          .containsExactly(
              long1.toString(), "localhost:5000/app:latest", "localhost:5000/app@" + one.digest());
      assertThat(store.untag(app)).isTrue();
      assertThat(store.untag(app)).isFalse();
      assertThat(store.resolve(app)).isEmpty();
      Files.delete(store.blobPath(one.digest()));
      assertThat(store.resolve(long1)).as("its manifest is gone").isEmpty();
      assertThatThrownBy(() -> store.tag(app, store.put("text/plain", bytes("x"))))
          .hasMessageContaining("no manifest");
    }
  }

  @Test
  void cacheRecordsAreKeptAndDamagedOnesAreMisses() throws Exception {
    try (var store = LocalStore.open(dir)) {
      store.putCache("sha256:key", bytes("{\"a\":\n1}"));
      assertThat(store.getCache("sha256:key")).contains(bytes("{\"a\":\n1}"));
      assertThat(store.getCache("other")).isEmpty();
      Path file = files("cache").getFirst();
      byte[] good = Files.readAllBytes(file);
      for (int i = 0; i < good.length; i++) {
        byte[] bad = good.clone();
        bad[i] ^= 1;
        Files.write(file, bad);
        assertThat(store.getCache("sha256:key")).as("damaged at %s", i).isEmpty();
        Files.write(file, java.util.Arrays.copyOf(good, i));
        assertThat(store.getCache("sha256:key")).as("cut at %s", i).isEmpty();
      }
      store.putCache("sha256:key", bytes("{}"));
      assertThat(store.getCache("sha256:key")).contains(bytes("{}"));
    }
  }

  @Test
  void closingRemovesScratchAndTheDeadsScratchIsSwept() throws Exception {
    Files.createDirectories(dir.resolve("tmp/dead/some"));
    Files.writeString(dir.resolve("tmp/dead/some/file"), "x");
    Files.writeString(dir.resolve("tmp/dead.lock"), "");
    try (var first = LocalStore.open(dir)) {
      assertThat(dir.resolve("tmp/dead")).doesNotExist();
      Path scratch = first.scratch("work");
      Files.writeString(scratch.resolve("file"), "x");
      try (var second = LocalStore.open(dir)) {
        assertThat(scratch.resolve("file")).as("of one that is open").exists();
        assertThat(second.scratch("work")).exists();
      }
      assertThat(scratch).exists();
    }
    assertThat(files("tmp")).isEmpty();
  }

  @Test
  void unfinishedWorkCanLieElsewhere() throws Exception {
    Path work = dir.resolve("work");
    try (var store = LocalStore.open(dir.resolve("volume"), work, LayerWriter.onAllCores())) {
      Layer layer = store.layers().write(RandomTrees.layer(1), Compression.GZIP);
      assertThat(store.scratch("roots")).startsWith(work.toRealPath());
      assertThat(store.layers().tar(layer)).startsWith(work.toRealPath());
    }
    assertThat(files("work")).isEmpty();
    assertThat(files("volume/tmp")).isEmpty();
  }

  @Test
  void aGroupsFolderIsMadeForTheGroup() throws Exception {
    Path volume = Files.createDirectory(dir.resolve("volume"));
    Files.setAttribute(volume, "unix:mode", 02775);
    try (var store = LocalStore.open(volume.resolve("store"))) {
      store.layers().write(RandomTrees.layer(1), Compression.GZIP);
      store.putCache("key", bytes("{}"));
      try (Stream<Path> all = Files.walk(volume)) {
        for (Path file : all.toList()) {
          int mode = (int) Files.getAttribute(file, "unix:mode");
          assertThat(mode & 060).as(file.toString()).isEqualTo(060);
          if (Files.isDirectory(file)) {
            assertThat(mode & 02000).as(file.toString()).isNotZero();
          }
        }
      }
    }
    try (var store = LocalStore.open(dir.resolve("own"))) {
      store.putCache("key", bytes("{}"));
      for (Path file : files("own")) {
        assertThat((int) Files.getAttribute(file, "unix:mode") & 022).isZero();
      }
    }
  }

  @Test
  void scratchOfAnotherLivingProcessIsLeftAlone() throws Exception {
    String program = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process other =
        new ProcessBuilder(
                program,
                "-cp",
                System.getProperty("java.class.path"),
                OtherProcess.class.getName(),
                dir.toString())
            .start();
    try (var lines = other.inputReader()) {
      Path scratch = Path.of(lines.readLine());
      try (var store = LocalStore.open(dir)) {
        assertThat(scratch).exists();
        assertThat(store.scratch("x")).exists();
      }
      other.destroyForcibly().waitFor();
      LocalStore.open(dir).close();
      assertThat(scratch).doesNotExist();
    } finally {
      other.destroyForcibly();
    }
  }

  /** Opens a store and waits to be killed. */
  static final class OtherProcess {
    public static void main(String[] args) throws IOException {
      var store = LocalStore.open(Path.of(args[0]));
      System.out.println(store.scratch("other"));
      System.in.read();
      store.close();
    }

    private OtherProcess() {}
  }

  @Test
  void manyWritersOfTheSameAndOfOtherBlobs() throws Exception {
    try (var one = LocalStore.open(dir);
        var two = LocalStore.open(dir);
        var threads = Executors.newFixedThreadPool(8)) {
      var work = new ArrayList<Callable<Descriptor>>();
      for (int i = 0; i < 400; i++) {
        var store = i % 2 == 0 ? one : two;
        byte[] content = bytes("blob " + i / 8);
        work.add(
            () -> {
              store.tag(Reference.parse("x/y:latest"), store.put(MediaTypes.OCI_MANIFEST, content));
              assertThat(store.resolve(Reference.parse("x/y:latest"))).isPresent();
              return store.put("text/plain", content);
            });
      }
      for (var done : threads.invokeAll(work)) {
        assertThat(one.read(done.get())).isNotEmpty();
      }
      assertThat(files("blobs")).hasSize(50);
    }
  }

  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void layersAreWrittenIndexedAndInflated(Compression.Type type) throws Exception {
    try (var store = LocalStore.open(dir)) {
      Layer layer = store.layers().write(RandomTrees.layer(1), new Compression(type, 0));
      var index = store.layers().index(layer);
      Path tar = store.layers().tar(layer);
      assertThat(Digest.ofBytes(Files.readAllBytes(tar))).isEqualTo(layer.diffId());
      assertThat(store.layers().tar(layer)).isEqualTo(tar);
      assertThat(Files.size(tar)).isEqualTo(index.tarSize());
      byte[] bytes = index.toBytes();
      for (byte[] broken : List.of(new byte[0], new byte[] {1, 2, 3})) {
        Files.write(files("index").getFirst(), broken);
        assertThat(store.layers().index(layer).toBytes()).isEqualTo(bytes);
        assertThat(Files.readAllBytes(files("index").getFirst())).isEqualTo(bytes);
      }
    }
  }

  @Test
  void aLayerThatIsNotItsDiffIdIsRefused() throws Exception {
    try (var store = LocalStore.open(dir)) {
      Layer good = store.layers().write(RandomTrees.layer(1), Compression.GZIP);
      var bad = new Layer(good.descriptor(), Digest.ofBytes(bytes("other")));
      for (Callable<?> use :
          List.<Callable<?>>of(() -> store.layers().index(bad), () -> store.layers().tar(bad))) {
        assertThatThrownBy(use::call)
            .isInstanceOfSatisfying(
                LayerException.class,
                e -> assertThat(e.code()).isEqualTo(LayerException.Code.DIGEST_MISMATCH));
      }
      assertThat(files("index")).hasSize(1);
    }
  }

  @Test
  void aLayerThatIsReadKeepsItsIndex() throws Exception {
    try (var store = LocalStore.open(dir)) {
      Layer layer = store.layers().write(RandomTrees.layer(3), Compression.GZIP);
      Path file = files("index").getFirst();
      byte[] written = Files.readAllBytes(file);
      Files.delete(file);
      store.layers().read(layer, tar -> tar.next());
      assertThat(Files.readAllBytes(file)).isEqualTo(written);
      assertThat(store.layers().hasIndex(layer)).isTrue();
    }
  }

  @Test
  void aLayerThatIsNoneKeepsNoIndexWhenItIsRead() throws Exception {
    try (var store = LocalStore.open(dir)) {
      Layer good = store.layers().write(RandomTrees.layer(1), Compression.GZIP);
      var bad = new Layer(good.descriptor(), Digest.ofBytes(bytes("other")));
      assertThatThrownBy(() -> store.layers().read(bad, tar -> tar.next()))
          .isInstanceOf(LayerException.class);
      assertThat(files("index")).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 70_000, 9_000_000})
  void whatIsExpectedIsReadAsItArrives(int size) throws Exception {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    Descriptor blob = Descriptor.ofBytes("text/plain", content);
    try (var store = LocalStore.open(dir);
        var executor = Executors.newSingleThreadExecutor();
        var in = new PipedInputStream(1 << 16);
        var out = new PipedOutputStream(in)) {
      LocalStore.Arrival arrival = store.expect(blob);
      try (InputStream before = store.open(blob.digest())) {
        assertThat(store.has(blob)).isFalse();
        var put = executor.submit(() -> store.putVerified(blob, in));
        out.write(content, 0, size / 2);
        out.flush();
        assertThat(before.readNBytes(size / 2)).isEqualTo(Arrays.copyOf(content, size / 2));
        out.write(content, size / 2, size - size / 2);
        out.close();
        assertThat(put.get()).isEqualTo(blob);
        assertThat(before.readAllBytes()).isEqualTo(Arrays.copyOfRange(content, size / 2, size));
      }
      try (InputStream late = store.open(blob.digest())) {
        arrival.close();
        assertThat(late.readAllBytes()).isEqualTo(content);
      }
      try (InputStream after = store.open(blob.digest())) {
        assertThat(after.readAllBytes()).isEqualTo(content);
      }
    }
  }

  @Test
  void whoeverWaitsForWhatDoesNotComeHearsOfIt() throws Exception {
    Descriptor blob = Descriptor.ofBytes("text/plain", bytes("hello"));
    try (var store = LocalStore.open(dir)) {
      LocalStore.Arrival arrival = store.expect(blob);
      try (InputStream waiting = store.open(blob.digest())) {
        assertThatThrownBy(() -> store.putVerified(blob, new ByteArrayInputStream(bytes("hell"))))
            .isInstanceOf(StoreException.class);
        assertThatThrownBy(waiting::readAllBytes).isInstanceOf(GrowingBlob.GivenUp.class);
      }
      // It has come another way, and who opens it now has it.
      store.put("text/plain", bytes("hello"));
      try (InputStream now = store.open(blob.digest())) {
        assertThat(now.readAllBytes()).isEqualTo(bytes("hello"));
      }
      arrival.close();
    }
  }

  @Test
  void anExpectationThatEndsWithoutABlobEndsTheWait() throws Exception {
    Descriptor blob = Descriptor.ofBytes("text/plain", bytes("hello"));
    try (var store = LocalStore.open(dir)) {
      LocalStore.Arrival arrival = store.expect(blob);
      LocalStore.Arrival second = store.expect(blob);
      try (InputStream waiting = store.open(blob.digest())) {
        second.close();
        arrival.close();
        assertThatThrownBy(waiting::read).isInstanceOf(GrowingBlob.GivenUp.class);
      }
      assertThatThrownBy(() -> store.open(blob.digest())).isInstanceOf(StoreException.class);
    }
  }

  /** It may have been on its way when it was said that it would come. */
  @Test
  void whatComesAnotherWayIsReadByWhoeverExpectsIt() throws Exception {
    Descriptor blob = Descriptor.ofBytes("text/plain", bytes("hello"));
    try (var store = LocalStore.open(dir)) {
      LocalStore.Arrival arrival = store.expect(blob);
      try (InputStream waiting = store.open(blob.digest())) {
        store.put("text/plain", bytes("hello"));
        try (InputStream there = store.open(blob.digest())) {
          assertThat(there.readAllBytes()).isEqualTo(bytes("hello"));
        }
        arrival.close();
        assertThat(waiting.readAllBytes()).isEqualTo(bytes("hello"));
      }
    }
  }

  @Test
  void aLargeLayerThatIsNotItsDiffIdIsRefusedToo() throws Exception {
    byte[] noise = new byte[1 << 20];
    new Random(1).nextBytes(noise);
    LayerSource large =
        sink ->
            sink.add(
                EntryMeta.file("f", 0644, 0, 0, 1, noise.length), new ByteArrayInputStream(noise));
    try (var store = LocalStore.open(dir)) {
      Layer good = store.layers().write(large, Compression.GZIP);
      Files.delete(files("index").getFirst());
      var bad = new Layer(good.descriptor(), Digest.ofBytes(bytes("other")));
      assertThatThrownBy(() -> store.layers().read(bad, tar -> tar.next()))
          .isInstanceOfSatisfying(
              LayerException.class,
              e -> assertThat(e.code()).isEqualTo(LayerException.Code.DIGEST_MISMATCH));
      assertThat(files("index")).isEmpty();
    }
  }

  private List<Path> files(String below) throws IOException {
    try (Stream<Path> all = Files.walk(dir.resolve(below))) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }
}
