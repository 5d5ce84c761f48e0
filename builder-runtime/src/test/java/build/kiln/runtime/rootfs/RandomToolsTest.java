package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.RandomTrees;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.store.DockerArchive;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.OciArchive;
import build.kiln.runtime.testkit.RandomImages;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Random layers of all that a tar can hold: others unpack ours as we do, and we theirs. */
@Timeout(300)
class RandomToolsTest {
  private static final long SEEDS = Long.getLong("kiln.test.seeds", 3);
  private static final List<Reference> NAMES =
      List.of(Reference.parse("kiln-random-" + ProcessHandle.current().pid() + ":1"));

  @TempDir Path dir;
  private LocalStore store;
  private int number;

  @BeforeEach
  void open() throws IOException {
    Trees.assumeRoot();
    store = LocalStore.open(dir.resolve("store"));
  }

  @AfterEach
  void close() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  /** What a command printed if it failed or is missing; else empty. */
  private String run(String... command) throws IOException, InterruptedException {
    Path output = dir.resolve("output");
    try {
      int code =
          new ProcessBuilder(command)
              .directory(dir.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start()
              .waitFor();
      String text = Files.readString(output, StandardCharsets.ISO_8859_1);
      return code == 0 ? "" : String.join(" ", command) + ": " + code + ": " + text;
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private void must(String... command) throws IOException, InterruptedException {
    assertThat(run(command)).isEmpty();
  }

  private void assumeHere(String... command) throws IOException, InterruptedException {
    String error = run(command);
    assumeTrue(error.isEmpty(), error);
  }

  private Path folder() throws IOException {
    return Files.createDirectory(dir.resolve("f" + number++));
  }

  /** Unpacked by us; what the root is like is left to whoever made it. */
  private Map<String, String> byKiln(Path root, Layer... layers) throws IOException {
    try (var handle = DirectoryHandle.open(root)) {
      for (Layer layer : layers) {
        LayerUnpacker.unpack(store.layers(), layer, handle, new Form.Merged());
      }
    }
    return tree(root);
  }

  private static Map<String, String> tree(Path root) throws IOException {
    Map<String, String> lines = Trees.of(root);
    lines.remove("");
    return lines;
  }

  private Layer layer(long seed) throws IOException {
    return store.layers().write(RandomTrees.layer(seed), Compression.NONE);
  }

  private static final List<String> UNPACK =
      List.of("tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "-p");

  @Test
  void tarReadsOurs() throws Exception {
    for (long seed = 1; seed <= 2 * SEEDS; seed++) {
      Layer layer = layer(seed);
      Path theirs = folder();
      var command = new ArrayList<>(UNPACK);
      // It takes marks of layers for files.
      command.addAll(List.of("--exclude=.wh..wh..opq", "-C", theirs.toString()));
      command.addAll(List.of("-xf", store.blobPath(layer.diffId()).toString()));
      must(command.toArray(String[]::new));
      Trees.assertSame("seed " + seed, byKiln(folder(), layer), tree(theirs));
    }
  }

  @Test
  void weReadTars() throws Exception {
    for (long seed = 1; seed <= 2 * SEEDS; seed++) {
      Path ours = folder();
      Map<String, String> expected = byKiln(ours, layer(seed));
      Path tar = dir.resolve("theirs.tar");
      must(
          "tar",
          "--format=posix",
          "--xattrs",
          "--xattrs-include=*",
          "-S",
          "-C",
          ours.toString(),
          "-cf",
          tar.toString(),
          ".");
      Trees.assertSame("seed " + seed, byKiln(folder(), taken(tar)), expected);
    }
  }

  private Layer taken(Path tar) throws IOException {
    try (InputStream in = Files.newInputStream(tar);
        InputStream again = Files.newInputStream(tar)) {
      var hash = Digest.sha256();
      in.transferTo(
          new java.security.DigestOutputStream(java.io.OutputStream.nullOutputStream(), hash));
      Digest digest = Digest.fromSha256(hash.digest());
      Descriptor blob = Descriptor.of(MediaTypes.OCI_LAYER, digest, Files.size(tar));
      store.put(blob, again);
      return new Layer(blob, digest);
    }
  }

  /** A base, and what steps did to it. */
  private List<Layer> steps(long seed, List<Layer> base, int steps) throws IOException {
    List<Layer> layers = new ArrayList<>(base);
    try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s" + number++))) {
      for (int step = 1; step <= steps; step++) {
        try (var snapshot = snapshots.prepare(layers)) {
          RandomChanges.run(((RootSpec.Directory) snapshot.root()).path(), 100 * seed + step);
          layers.add(store.layers().write(snapshot.changes(), Compression.GZIP));
        }
      }
    }
    return layers;
  }

  private Descriptor image(List<Layer> layers) throws IOException {
    return new RandomImages(store, 1).image(Platform.host(), layers, List.of());
  }

  @Test
  void umociReadsOurs() throws Exception {
    assumeHere("umoci", "--version");
    for (long seed = 1; seed <= SEEDS; seed++) {
      // It dates nothing before 1970, and gives a file what the tar says of its second name.
      List<Layer> layers = steps(seed, List.of(), 6);
      Path layout = dir.resolve("layout" + seed);
      OciArchive.writeFolder(store, NAMES, image(layers), layout);
      Path bundle = dir.resolve("bundle" + seed);
      must("umoci", "unpack", "--image", layout + ":1", bundle.toString());
      Trees.assertSame(
          "seed " + seed,
          withoutEmpty(byKiln(folder(), layers.toArray(Layer[]::new))),
          tree(bundle.resolve("rootfs")));
      try (var handle = DirectoryHandle.open(dir)) {
        TreeRemover.remove(handle, "bundle" + seed);
      }
    }
  }

  /** A record without a value is none to Go: programs in it lose attributes that are empty. */
  private static Map<String, String> withoutEmpty(Map<String, String> lines) {
    lines.replaceAll((path, line) -> line.replaceAll(" user\\.kiln[0-9]=(?= |$)", ""));
    return lines;
  }

  /** By what docker tells again of what it has unpacked: times in seconds. */
  @Test
  void dockerReadsOurs() throws Exception {
    assumeHere("docker", "version");
    for (long seed = 1; seed <= SEEDS; seed++) {
      // It dates nothing before 1970, and gives a file what the tar says of its second name.
      List<Layer> layers = steps(seed, List.of(), 6);
      Path archive = dir.resolve("image.tar");
      Files.deleteIfExists(archive);
      DockerArchive.write(store, NAMES, image(layers), archive);
      String name = NAMES.getFirst().toString();
      must("docker", "load", "-q", "-i", archive.toString());
      Path exported = dir.resolve("exported.tar");
      try {
        must("docker", "create", "--name", container(), name, "/x");
        must("docker", "export", "-o", exported.toString(), container());
      } finally {
        run("docker", "rm", container());
        run("docker", "rmi", name);
      }
      Trees.assertSame(
          "seed " + seed,
          inSeconds(byKiln(folder(), layers.toArray(Layer[]::new))),
          inSeconds(byKiln(folder(), taken(exported))));
    }
  }

  private static String container() {
    return "kiln-random-" + ProcessHandle.current().pid();
  }

  /** Without what docker adds to a container's root, and what it does not tell of files. */
  private static Map<String, String> inSeconds(Map<String, String> lines) {
    Map<String, String> result = new TreeMap<>();
    lines.forEach(
        (path, line) -> {
          if (!List.of(".dockerenv", "etc", "etc/hostname", "etc/mtab").contains(path)) {
            result.put(path, line.replaceAll("\\.[0-9]{9} ", " ").replaceAll(" user\\.\\S*", ""));
          }
        });
    return result;
  }
}
