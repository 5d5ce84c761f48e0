package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;

class BaseImageTest {
  @Test
  void madeOfWhatThereIs() throws Exception {
    var image = BaseImage.make("amd64");
    assertThat(names(image)).contains("bin/sh", "bin/sed", "etc/passwd", "tmp/");
    assertConsistent(image);
  }

  @Test
  void madeOfToolsBringsTheirLoaderAndLibraries() throws Exception {
    var image = BaseImage.ofTools("amd64");
    assertThat(names(image))
        .contains("bin/sh", "bin/wc")
        .anyMatch(name -> name.contains("libc.so"));
    assertConsistent(image);
  }

  private static void assertConsistent(BaseImage image) throws Exception {
    var manifest = Json.read(image.manifest(), Manifest.JSON, "manifest");
    assertThat(manifest.config().digest()).isEqualTo(Digest.ofBytes(image.config()));
    assertThat(manifest.layers())
        .singleElement()
        .satisfies(layer -> assertThat(layer.digest()).isEqualTo(Digest.ofBytes(image.layer())));
    var config = Json.read(image.config(), ImageConfig.JSON, "config");
    assertThat(config.rootfs().diffIds()).containsExactly(Digest.ofBytes(unzipped(image)));
    assertThat(config.architecture()).isEqualTo("amd64");
  }

  private static byte[] unzipped(BaseImage image) throws Exception {
    try (var gzip = new GZIPInputStream(new ByteArrayInputStream(image.layer()))) {
      return gzip.readAllBytes();
    }
  }

  private static List<String> names(BaseImage image) throws Exception {
    List<String> names = new ArrayList<>();
    try (var tar = new TarArchiveInputStream(new ByteArrayInputStream(unzipped(image)))) {
      for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        names.add(entry.getName());
      }
    }
    return names;
  }
}
