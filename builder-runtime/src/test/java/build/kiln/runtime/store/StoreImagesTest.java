package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreImagesTest {
  private static final String OTHER = "application/vnd.oci.artifact.manifest.v1+json";

  @TempDir Path dir;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** What an index lists need be no manifest of an image to need its blobs. */
  @Test
  void blobsOfWhateverAnIndexListsStay() throws Exception {
    Reference kept = Reference.parse("a.example/kept:1");
    Reference going = Reference.parse("a.example/going:1");
    Descriptor shared;
    Descriptor own;
    try (var store = LocalStore.open(dir)) {
      shared = store.put("text/plain", bytes("shared"));
      own = store.put("text/plain", bytes("own"));
      Descriptor artifact =
          store.put(
              OTHER,
              bytes(
                  "{\"mediaType\":\"%s\",\"blobs\":[{\"mediaType\":\"text/plain\",\"digest\":\"%s\",\"size\":6}]}"
                      .formatted(OTHER, shared.digest())));
      store.tag(
          kept,
          store.put(
              MediaTypes.OCI_INDEX,
              Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(artifact), null, null))));
      Descriptor config = store.put(MediaTypes.OCI_EMPTY, bytes("{}"));
      store.tag(
          going,
          store.put(
              MediaTypes.OCI_MANIFEST,
              Json.write(Manifest.oci(config, List.of(shared, own), null))));
    }

    try (var store = LocalStore.open(dir)) {
      var removed = new StoreImages(store).remove(image -> image.names().contains(going));
      assertThat(removed.images()).hasSize(1);
    }

    try (var store = LocalStore.open(dir)) {
      assertThat(store.has(shared)).isTrue();
      assertThat(store.has(own)).isFalse();
    }
  }
}
