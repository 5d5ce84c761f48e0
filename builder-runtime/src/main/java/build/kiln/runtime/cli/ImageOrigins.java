package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.JsonRecord;
import build.kiln.runtime.oci.JsonRecord.Field;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which repositories have the layers of an image that the local store has no blobs of: a build
 * pulls no layer of its base that no step reads. Kept as a record of the step cache, so that a lost
 * one costs no more than a build.
 */
final class ImageOrigins {
  /** As it is kept: a repository for each digest. */
  private record Kept(Map<String, String> repositories) {
    private static final Field<Kept, Map<String, String>> REPOSITORIES =
        Field.of("repositories", JsonForm.TEXT_MAP, Kept::repositories);
    static final JsonForm<Kept> JSON =
        JsonRecord.of(json -> new Kept(json.need(REPOSITORIES)), REPOSITORIES);
  }

  private ImageOrigins() {}

  static void keep(LocalStore store, Digest image, Map<Digest, Reference> origins)
      throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    origins.forEach((blob, from) -> texts.put(blob.toString(), from.toString()));
    store.putCache(LocalStore.originsRecord(image), Json.write(new Kept(texts), Kept.JSON));
  }

  static Map<Digest, Reference> of(LocalStore store, Digest image) {
    Optional<byte[]> record = store.getCache(LocalStore.originsRecord(image));
    if (record.isEmpty()) {
      return Map.of();
    }
    try {
      Map<Digest, Reference> origins = new LinkedHashMap<>();
      Json.read(record.get(), Kept.JSON, "the origins of " + image)
          .repositories()
          .forEach((blob, from) -> origins.put(Digest.parse(blob), Reference.parse(from)));
      return origins;
    } catch (OciException damaged) {
      return Map.of();
    }
  }
}
