package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Points at content: what it is, its digest, its size in bytes (OCI image-spec 1.1, descriptor).
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonPropertyOrder({
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "platform",
  "artifactType"
})
public record Descriptor(
    String mediaType,
    Digest digest,
    @JsonInclude(JsonInclude.Include.ALWAYS) long size,
    @Nullable List<String> urls,
    @Nullable Map<String, String> annotations,
    @Nullable String data,
    @Nullable Platform platform,
    @Nullable String artifactType) {

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
  @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
  public static Descriptor read(JsonNode json) {
    try {
      Descriptor read = Json.mapper().treeToValue(json, Descriptor.class);
      if (read != null && read.digest != null) {
        return read.mediaType == null ? read.withMediaType("") : read;
      }
      throw new OciException("a descriptor has no digest");
    } catch (JsonProcessingException e) {
      throw new OciException("not a descriptor: " + e.getOriginalMessage(), e);
    }
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
