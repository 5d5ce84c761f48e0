package build.kiln.runtime.oci;

import build.kiln.runtime.oci.JsonRecord.Field;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An image manifest (OCI image-spec 1.1, or Docker's version 2, schema 2, which has the same
 * fields). The bytes it was read from, not this value, are what a digest covers.
 */
public record Manifest(
    int schemaVersion,
    @Nullable String mediaType,
    @Nullable String artifactType,
    Descriptor config,
    List<Descriptor> layers,
    @Nullable Descriptor subject,
    @Nullable Map<String, String> annotations) {

  private static final Field<Manifest, Integer> SCHEMA_VERSION =
      Field.of("schemaVersion", JsonForm.INTEGER, Manifest::schemaVersion);
  private static final Field<Manifest, String> MEDIA_TYPE =
      Field.ifAny("mediaType", JsonForm.TEXT, Manifest::mediaType);
  private static final Field<Manifest, String> ARTIFACT_TYPE =
      Field.ifAny("artifactType", JsonForm.TEXT, Manifest::artifactType);
  private static final Field<Manifest, Descriptor> CONFIG =
      Field.of("config", Descriptor.JSON, Manifest::config);
  private static final Field<Manifest, List<Descriptor>> LAYERS =
      Field.of("layers", JsonForm.list(Descriptor.JSON), Manifest::layers);
  private static final Field<Manifest, Descriptor> SUBJECT =
      Field.of("subject", Descriptor.JSON, Manifest::subject);
  private static final Field<Manifest, Map<String, String>> ANNOTATIONS =
      Field.ifAny("annotations", JsonForm.TEXT_MAP, Manifest::annotations);

  /** As the specifications have it. */
  public static final JsonForm<Manifest> JSON =
      JsonRecord.of(
          json ->
              new Manifest(
                  json.get(SCHEMA_VERSION, 0),
                  json.get(MEDIA_TYPE),
                  json.get(ARTIFACT_TYPE),
                  json.need(CONFIG),
                  json.need(LAYERS),
                  json.get(SUBJECT),
                  json.get(ANNOTATIONS)),
          SCHEMA_VERSION,
          MEDIA_TYPE,
          ARTIFACT_TYPE,
          CONFIG,
          LAYERS,
          SUBJECT,
          ANNOTATIONS);

  /**
   * @throws OciException if the schema is not 2
   */
  public Manifest {
    if (schemaVersion != 2) {
      throw new OciException(
          "manifest: schemaVersion " + schemaVersion + " is not supported (want 2)");
    }
    layers = List.copyOf(layers);
  }

  public static Manifest oci(
      Descriptor config, List<Descriptor> layers, @Nullable Map<String, String> annotations) {
    return new Manifest(2, MediaTypes.OCI_MANIFEST, null, config, layers, null, annotations);
  }
}
