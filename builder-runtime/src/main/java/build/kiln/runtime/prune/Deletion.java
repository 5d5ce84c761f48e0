package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One thing to delete. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Deletion.OfTag.class, name = "tag"),
  @JsonSubTypes.Type(value = Deletion.OfManifest.class, name = "manifest")
})
public sealed interface Deletion {
  Digest digest();

  Verdict verdict();

  /**
   * A tag on a digest that stays.
   *
   * @param digest what it pointed at when this was planned
   */
  record OfTag(String tag, Digest digest, Verdict verdict) implements Deletion {}

  /**
   * A manifest or index, with its tags.
   *
   * @param tags all that pointed at it when this was planned, by name
   * @param size of the document, in bytes
   * @param config the digest of the image's configuration, if it has one
   * @param blobs that nothing which stays in any repository that was looked at needs
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record OfManifest(
      Digest digest,
      List<String> tags,
      long size,
      @Nullable Digest config,
      List<Blob> blobs,
      Verdict verdict)
      implements Deletion {
    OfManifest withBlobs(List<Blob> unique) {
      return new OfManifest(digest, tags, size, config, unique, verdict);
    }
  }
}
