package build.kiln.runtime.rootfs;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real image, unpacked by Kiln and by what others unpack with. */
class OtherToolsTest {
  private static final String IMAGE = "debian:trixie-slim";

  @TempDir Path dir;
  private final List<Path> tars = new ArrayList<>();

  @BeforeEach
  void saveImage() throws Exception {
    Trees.assumeRoot();
    Path archive = dir.resolve("image.tar");
    String error = run("docker", "save", "-o", archive.toString(), IMAGE);
    assumeTrue(error.isEmpty(), "no " + IMAGE + " from docker: " + error);
    Path image = Files.createDirectory(dir.resolve("image"));
    must("tar", "-xf", archive.toString(), "-C", image.toString());
    String manifest = Files.readString(image.resolve("manifest.json"));
    String layers = manifest.substring(manifest.indexOf("\"Layers\":[") + 10);
    for (String layer : layers.substring(0, layers.indexOf(']')).split(",")) {
      tars.add(image.resolve(layer.replace("\"", "").strip()));
    }
  }

  /** What the command printed if it failed or is missing; else empty. */
  private static String run(String... command) throws InterruptedException {
    try {
      var process = new ProcessBuilder(command).redirectErrorStream(true).start();
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? "" : command[0] + " failed: " + output;
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static void must(String... command) throws InterruptedException {
    String error = run(command);
    if (!error.isEmpty()) {
      throw new AssertionError(error);
    }
  }

  private Map<String, String> byKiln() throws IOException {
    try (var store = LocalStore.open(dir.resolve("store"))) {
      var layers = new ArrayList<Layer>();
      for (Path tar : tars) {
        Digest digest = digest(tar);
        Descriptor blob = Descriptor.of(MediaTypes.OCI_LAYER, digest, Files.size(tar));
        try (InputStream in = Files.newInputStream(tar)) {
          store.put(blob, in);
        }
        layers.add(new Layer(blob, digest));
      }
      try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
          var snapshot = snapshots.prepare(layers)) {
        return Trees.of(((RootSpec.Directory) snapshot.root()).path());
      }
    }
  }

  private static Digest digest(Path file) throws IOException {
    var hash = Digest.sha256();
    try (InputStream in = Files.newInputStream(file)) {
      in.transferTo(
          new java.security.DigestOutputStream(java.io.OutputStream.nullOutputStream(), hash));
    }
    return Digest.fromSha256(hash.digest());
  }

  @Test
  void tarUnpacksTheSame() throws Exception {
    Path root = Files.createDirectory(dir.resolve("tar"));
    assumeTrue(tars.size() == 1, IMAGE + " has several layers, and tar knows no whiteouts");
    must(
        "tar",
        "--xattrs",
        "--xattrs-include=*",
        "--numeric-owner",
        "-p",
        "-xf",
        tars.getFirst().toString(),
        "-C",
        root.toString());
    compare("tar", root);
  }

  @Test
  void umociUnpacksTheSame() throws Exception {
    String oci = dir.resolve("oci") + ":x";
    String error =
        run("skopeo", "copy", "docker-archive:" + dir.resolve("image.tar"), "oci:" + oci);
    assumeTrue(error.isEmpty(), error);
    Path bundle = dir.resolve("bundle");
    error = run("umoci", "unpack", "--image", oci, bundle.toString());
    assumeTrue(error.isEmpty(), error);
    compare("umoci", bundle.resolve("rootfs"));
  }

  private void compare(String tool, Path root) throws IOException {
    Map<String, String> theirs = Trees.of(root);
    Map<String, String> ours = byKiln();
    try (var handle = DirectoryHandle.open(dir)) {
      TreeRemover.remove(handle, dir.relativize(root).getName(0).toString());
    }
    // Where an image does not describe its root, tools leave it as it happens to be.
    theirs.remove("");
    ours.remove("");
    Trees.assertSame(tool, ours, theirs);
  }
}
