package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An image index or manifest list: one image for several platforms (OCI image-spec 1.1, image
 * index).
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Index(
    int schemaVersion,
    @Nullable String mediaType,
    @Nullable String artifactType,
    @JsonInclude(JsonInclude.Include.ALWAYS) List<Descriptor> manifests,
    @Nullable Descriptor subject,
    @Nullable Map<String, String> annotations) {

  /**
   * @throws OciException if manifests are missing or the schema is not 2
   */
  @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
  public Index {
    if (schemaVersion != 2) {
      throw new OciException(
          "index: schemaVersion " + schemaVersion + " is not supported (want 2)");
    }
    if (manifests == null) {
      throw new OciException("index: manifests are missing");
    }
    manifests = List.copyOf(manifests);
  }

  /** The first manifest for a platform, as containerd and docker choose it. */
  public Optional<Descriptor> select(Platform wanted) {
    return manifests.stream()
        .filter(m -> m.platform() != null && wanted.accepts(m.platform()))
        .findFirst();
  }
}
