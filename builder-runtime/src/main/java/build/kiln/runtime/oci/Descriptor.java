package build.kiln.runtime.oci;

import build.kiln.runtime.oci.JsonRecord.Field;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Points at content: what it is, its digest, its size in bytes (OCI image-spec 1.1, descriptor).
 */
public record Descriptor(
    String mediaType,
    Digest digest,
    long size,
    @Nullable List<String> urls,
    @Nullable Map<String, String> annotations,
    @Nullable String data,
    @Nullable Platform platform,
    @Nullable String artifactType) {

  private static final Field<Descriptor, String> MEDIA_TYPE =
      Field.ifAny("mediaType", JsonForm.TEXT, Descriptor::mediaType);
  private static final Field<Descriptor, Digest> DIGEST =
      Field.of("digest", Digest.JSON, Descriptor::digest);
  private static final Field<Descriptor, Long> SIZE =
      Field.of("size", JsonForm.LONG, Descriptor::size);
  private static final Field<Descriptor, List<String>> URLS =
      Field.ifAny("urls", JsonForm.TEXTS, Descriptor::urls);
  private static final Field<Descriptor, Map<String, String>> ANNOTATIONS =
      Field.ifAny("annotations", JsonForm.TEXT_MAP, Descriptor::annotations);
  private static final Field<Descriptor, String> DATA =
      Field.ifAny("data", JsonForm.TEXT, Descriptor::data);
  private static final Field<Descriptor, Platform> PLATFORM =
      Field.of("platform", Platform.JSON, Descriptor::platform);
  private static final Field<Descriptor, String> ARTIFACT_TYPE =
      Field.ifAny("artifactType", JsonForm.TEXT, Descriptor::artifactType);

  /** As the specification has it. */
  public static final JsonForm<Descriptor> JSON =
      JsonRecord.of(
          json ->
              new Descriptor(
                  json.get(MEDIA_TYPE, ""),
                  json.need(DIGEST),
                  json.get(SIZE, 0L),
                  json.get(URLS),
                  json.get(ANNOTATIONS),
                  json.get(DATA),
                  json.get(PLATFORM),
                  json.get(ARTIFACT_TYPE)),
          MEDIA_TYPE,
          DIGEST,
          SIZE,
          URLS,
          ANNOTATIONS,
          DATA,
          PLATFORM,
          ARTIFACT_TYPE);

  /**
   * @throws OciException if the size is negative
   */
  public Descriptor {
    if (size < 0) {
      throw new OciException("descriptor of " + digest + ": negative size " + size);
    }
  }

  public static Descriptor of(String mediaType, Digest digest, long size) {
    return new Descriptor(mediaType, digest, size, null, null, null, null, null);
  }

  /**
   * Reads one from a document whose other parts are not ours to judge.
   *
   * @throws OciException if it has no digest, or one that is none
   */
  public static Descriptor read(JsonNode json) {
    return JSON.read(json, "");
  }

  /** Describes these bytes. */
  public static Descriptor ofBytes(String mediaType, byte[] bytes) {
    return of(mediaType, Digest.ofBytes(bytes), bytes.length);
  }

  public Descriptor withPlatform(Platform newPlatform) {
    return new Descriptor(
        mediaType, digest, size, urls, annotations, data, newPlatform, artifactType);
  }

  public Descriptor withMediaType(String newMediaType) {
    return new Descriptor(
        newMediaType, digest, size, urls, annotations, data, platform, artifactType);
  }
}
