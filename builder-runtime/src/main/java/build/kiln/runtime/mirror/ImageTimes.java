package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * When images were made: by the annotation {@code org.opencontainers.image.created} of the
 * manifest, the label of that name, or the configuration's {@code created}; of an index, by its
 * first image.
 */
final class ImageTimes {
  private static final String CREATED = "org.opencontainers.image.created";
  private static final int MOST_BYTES = 8 << 20;
  private static final int MOST_LEVELS = 3;

  private final RegistryClient registry;

  ImageTimes(RegistryClient registry) {
    this.registry = registry;
  }

  /** The time; the beginning of 1970 if nothing tells. */
  Instant of(Reference image) throws IOException {
    try {
      return time(image, MOST_LEVELS).orElse(Instant.EPOCH);
    } catch (OciException e) {
      return Instant.EPOCH;
    }
  }

  private Optional<Instant> time(Reference image, int levels) throws IOException {
    FetchedManifest manifest = registry.fetchManifest(image);
    JsonNode document = Json.tree(manifest.bytes(), "the manifest");
    Optional<Instant> annotated = parse(document.path("annotations").path(CREATED));
    if (annotated.isPresent()) {
      return annotated;
    }
    JsonNode child = document.path("manifests").path(0);
    if (child.isObject()) {
      return levels == 0
          ? Optional.empty()
          : time(image.withDigest(Descriptor.read(child).digest()), levels - 1);
    }
    if (!document.path("config").isObject()) {
      return Optional.empty();
    }
    Descriptor config = Descriptor.read(document.path("config"));
    if (config.size() > MOST_BYTES) {
      return Optional.empty();
    }
    try (InputStream in = registry.openBlob(image, config)) {
      JsonNode content = Json.tree(in.readAllBytes(), "the configuration");
      return parse(content.path("config").path("Labels").path(CREATED))
          .or(() -> parse(content.path("created")));
    }
  }

  private static Optional<Instant> parse(JsonNode text) {
    try {
      return text.isTextual()
          ? Optional.of(OffsetDateTime.parse(text.asText()).toInstant())
          : Optional.empty();
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
