package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One store in several processes at once, as pods use a volume; some of them are killed. */
@Timeout(120)
class StoreProcessesTest {
  private static final Charset UTF_8 = StandardCharsets.UTF_8;
  private static final int ROUNDS = 60;
  private static final int SHARED = 7;

  @TempDir Path dir;

  @Test
  void writersLoseNothingAndTheDeadLeaveNothing() throws Exception {
    var writers = new ArrayList<Process>();
    for (int i = 0; i < 3; i++) {
      writers.add(start(Integer.toString(i), ROUNDS));
    }
    Process killed = start("killed", Integer.MAX_VALUE);
    try (var lines = killed.inputReader()) {
      assertThat(lines.lines().anyMatch("10"::equals)).isTrue();
      killed.destroyForcibly().waitFor();
    }
    for (Process writer : writers) {
      String output = new String(writer.getInputStream().readAllBytes(), UTF_8);
      assertThat(writer.waitFor()).as(output).isZero();
    }

    try (var store = LocalStore.open(dir)) {
      for (int writer = 0; writer < 3; writer++) {
        for (int round = 0; round < ROUNDS; round++) {
          String name = writer + "-" + round;
          Digest layer = Digest.parse(new String(store.getCache(name).orElseThrow(), UTF_8));
          assertThat(store.has(layer)).as(name).isTrue();
          assertThat(store.resolve(Reference.parse("x/y:" + name))).as(name).isPresent();
        }
      }
      for (Path blob : files("blobs")) {
        assertThat(Digest.ofBytes(Files.readAllBytes(blob)).hex())
            .isEqualTo(String.valueOf(blob.getFileName()));
      }
      assertThat(store.removeDamaged()).isEmpty();
      assertThat(files("tmp")).as("the lock of this store").hasSize(1);
      assertThat(store.getCache("shared")).isPresent();
    }
  }

  @Test
  void whatAProcessHasFoundStaysUntilItCloses() throws Exception {
    Process one = start(Finder.class, "1", 40);
    Process two = start(Finder.class, "2", 40);
    int removed = 0;
    int rounds = 0;
    while (one.isAlive() || two.isAlive()) {
      try (var store = LocalStore.open(dir)) {
        var wish =
            rounds++ % 2 == 0
                ? new CacheEviction.Wish(true, null, null, null)
                : CacheEviction.Wish.keep(40_000);
        removed += new CacheEviction(store).run(wish).removed().size();
      }
    }
    for (Process finder : List.of(one, two)) {
      String output = new String(finder.getInputStream().readAllBytes(), UTF_8);
      assertThat(finder.waitFor()).as(output).isZero();
      assertThat(output).contains("found");
    }
    assertThat(removed).isPositive();
    try (var store = LocalStore.open(dir)) {
      assertThat(new CacheEviction(store).run(CacheEviction.Wish.keep(0)).left()).isZero();
      assertThat(files("cache-mounts"))
          .allMatch(file -> file.endsWith("id") || file.endsWith("0.lock"));
      assertThat(files("blobs")).isEmpty();
    }
  }

  /** Looks things up, makes what is missing, and looks at the end whether all of it is there. */
  static final class Finder {
    public static void main(String[] args) throws Exception {
      var random = new Random(args[1].hashCode());
      for (int round = 0; round < Integer.parseInt(args[2]); round++) {
        try (var store = LocalStore.open(Path.of(args[0]))) {
          var mount = new CacheMounts.Wanted("m" + random.nextInt(3), "id", CacheMounts.Use.SHARED);
          var layers = new ArrayList<Layer>();
          try (var lease =
              store
                  .cacheMounts()
                  .open(mount, (at, name) -> at.makeDirectory(name, 0755), () -> {})) {
            Path mine = Files.createFile(lease.content().resolve(UUID.randomUUID().toString()));
            for (int i = 0; i < 6; i++) {
              layers.add(layer(store, "k" + random.nextInt(9)));
            }
            for (Layer layer : layers) {
              store.layers().read(layer, tar -> {});
              if (!store.layers().hasIndex(layer)) {
                throw new IOException("an index is gone");
              }
            }
            if (!Files.exists(mine)) {
              throw new IOException("the cache mount was removed in use");
            }
          }
        }
      }
    }

    private static Layer layer(LocalStore store, String key) throws IOException {
      var known = store.getCache(key);
      if (known.isPresent()) {
        Known step = Json.read(known.get(), Known.class, key);
        var layer = new Layer(step.layer, step.diffId);
        if (store.has(step.layer) && store.layers().hasIndex(layer)) {
          System.out.println("found");
          return layer;
        }
      }
      Layer made = Writer.layer(store, key);
      store.putCache(key, Json.write(new Known(made.descriptor(), made.diffId())));
      return made;
    }

    private record Known(Descriptor layer, Digest diffId) {}

    private Finder() {}
  }

  /** As where pods of several users have a volume that no group has. */
  @Test
  void whatIsAnotherUsersIsAMissAndIsLeftAlone() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root to give files away");
    Descriptor blob;
    Path mounts;
    try (var store = LocalStore.open(dir)) {
      blob = store.put("text/plain", "text".getBytes(UTF_8));
      var wanted = new CacheMounts.Wanted("k", "id", CacheMounts.Use.LOCKED);
      store
          .cacheMounts()
          .open(wanted, (at, name) -> at.makeDirectory(name, 0755), () -> {})
          .close();
      mounts = store.cacheMountsFolder();
    }
    Path file = dir.resolve("blobs/sha256").resolve(blob.digest().hex());
    for (Path path : List.of(file, mounts)) {
      Files.setAttribute(path, "unix:uid", 65534);
    }

    Process other =
        start(
            List.of("setpriv", "--bounding-set=-all", "--"),
            AnotherUser.class,
            blob.digest().toString(),
            1);

    String output = new String(other.getInputStream().readAllBytes(), UTF_8);
    assertThat(other.waitFor()).as(output).isZero();
    assertThat(output).isEqualTo("false true");
    assertThat((int) Files.getAttribute(file, "unix:uid")).isZero();
    assertThat(mounts.resolve("k/0")).isDirectory();
  }

  /** Wants a blob that it may read and not date, and then room. */
  static final class AnotherUser {
    public static void main(String[] args) throws IOException {
      Digest blob = Digest.parse(args[1]);
      try (var store = LocalStore.open(Path.of(args[0]))) {
        System.out.print(store.has(blob) + " ");
        store.put("text/plain", "text".getBytes(UTF_8));
        System.out.print(store.has(blob));
        new CacheEviction(store).run(new CacheEviction.Wish(true, null, null, null));
      }
    }

    private AnotherUser() {}
  }

  private Process start(String name, int rounds) throws IOException {
    return start(Writer.class, name, rounds);
  }

  private Process start(Class<?> program, String name, int rounds) throws IOException {
    return start(List.of(), program, name, rounds);
  }

  private Process start(List<String> before, Class<?> program, String name, int rounds)
      throws IOException {
    var command = new ArrayList<>(before);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            program.getName(),
            dir.toString(),
            name,
            Integer.toString(rounds)));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** Writes things of its own, things that all write, and reads them back. */
  static final class Writer {
    public static void main(String[] args) throws IOException {
      try (var store = LocalStore.open(Path.of(args[0]))) {
        for (int round = 0; round < Integer.parseInt(args[2]); round++) {
          String own = args[1] + "-" + round;
          layer(store, "of all " + round % SHARED);
          Layer layer = layer(store, own);
          store.putCache(own, layer.descriptor().digest().toString().getBytes(UTF_8));
          store.putCache("shared", own.getBytes(UTF_8));
          if (store.getCache("shared").isEmpty()) {
            throw new IOException("a record was seen half-written");
          }
          store.tag(
              Reference.parse("x/y:" + own),
              store.put(MediaTypes.OCI_MANIFEST, ("{\"" + own + "\"}").getBytes(UTF_8)));
          System.out.println(round);
        }
      }
    }

    private static Layer layer(LocalStore store, String text) throws IOException {
      byte[] bytes = text.repeat(5000).getBytes(UTF_8);
      Layer layer =
          store
              .layers()
              .write(
                  sink ->
                      sink.add(
                          EntryMeta.file("f", 0644, 0, 0, 1, bytes.length),
                          new ByteArrayInputStream(bytes)),
                  Compression.GZIP);
      store.layers().read(layer, tar -> {});
      store.layers().index(layer);
      return layer;
    }

    private Writer() {}
  }

  private List<Path> files(String below) throws IOException {
    try (Stream<Path> all = Files.walk(dir.resolve(below))) {
      return all.filter(Files::isRegularFile).toList();
    }
  }
}
