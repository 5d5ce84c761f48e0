package build.kiln.runtime.oci;

import build.kiln.runtime.oci.JsonRecord.Field;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An image index or manifest list: one image for several platforms (OCI image-spec 1.1, image
 * index).
 */
public record Index(
    int schemaVersion,
    @Nullable String mediaType,
    @Nullable String artifactType,
    List<Descriptor> manifests,
    @Nullable Descriptor subject,
    @Nullable Map<String, String> annotations) {

  private static final Field<Index, Integer> SCHEMA_VERSION =
      Field.of("schemaVersion", JsonForm.INTEGER, Index::schemaVersion);
  private static final Field<Index, String> MEDIA_TYPE =
      Field.ifAny("mediaType", JsonForm.TEXT, Index::mediaType);
  private static final Field<Index, String> ARTIFACT_TYPE =
      Field.ifAny("artifactType", JsonForm.TEXT, Index::artifactType);
  private static final Field<Index, List<Descriptor>> MANIFESTS =
      Field.of("manifests", JsonForm.list(Descriptor.JSON), Index::manifests);
  private static final Field<Index, Descriptor> SUBJECT =
      Field.of("subject", Descriptor.JSON, Index::subject);
  private static final Field<Index, Map<String, String>> ANNOTATIONS =
      Field.ifAny("annotations", JsonForm.TEXT_MAP, Index::annotations);

  /** As the specifications have it. */
  public static final JsonForm<Index> JSON =
      JsonRecord.of(
          json ->
              new Index(
                  json.get(SCHEMA_VERSION, 0),
                  json.get(MEDIA_TYPE),
                  json.get(ARTIFACT_TYPE),
                  json.need(MANIFESTS),
                  json.get(SUBJECT),
                  json.get(ANNOTATIONS)),
          SCHEMA_VERSION,
          MEDIA_TYPE,
          ARTIFACT_TYPE,
          MANIFESTS,
          SUBJECT,
          ANNOTATIONS);

  /**
   * @throws OciException if the schema is not 2
   */
  public Index {
    if (schemaVersion != 2) {
      throw new OciException(
          "index: schemaVersion " + schemaVersion + " is not supported (want 2)");
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
