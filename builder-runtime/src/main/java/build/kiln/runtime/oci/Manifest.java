package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An image manifest (OCI image-spec 1.1, or Docker's version 2, schema 2, which has the same
 * fields). The bytes it was read from, not this value, are what a digest covers.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record Manifest(
    int schemaVersion,
    @Nullable String mediaType,
    @Nullable String artifactType,
    Descriptor config,
    @JsonInclude(JsonInclude.Include.ALWAYS) List<Descriptor> layers,
    @Nullable Descriptor subject,
    @Nullable Map<String, String> annotations) {

  /**
   * @throws OciException if config or layers are missing or the schema is not 2
   */
  @SuppressWarnings("ConstantValue") // Jackson passes null for what the JSON lacks
  public Manifest {
    if (schemaVersion != 2) {
      throw new OciException(
          "manifest: schemaVersion " + schemaVersion + " is not supported (want 2)");
    }
    if (config == null || layers == null) {
      throw new OciException("manifest: config or layers are missing");
    }
    layers = List.copyOf(layers);
  }

  public static Manifest oci(
      Descriptor config, List<Descriptor> layers, @Nullable Map<String, String> annotations) {
    return new Manifest(2, MediaTypes.OCI_MANIFEST, null, config, layers, null, annotations);
  }
}
