package build.kiln.runtime.cache;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.io.InputStream;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Documents of the cache in a registry: each the configuration of an image manifest, and in its
 * descriptor too, so that it comes with the manifest in one request. Their layers are real ones, so
 * that the registry keeps those as long as the manifest.
 */
final class CacheDocuments {
  static final String ENTRY = "application/vnd.kiln.cache.v1";
  static final String LIST = "application/vnd.kiln.cache.list.v1";

  /** Larger ones are blobs only: registries refuse manifests over 4 MB. */
  private static final int EMBEDDED = 1 << 20;

  private static final int LARGEST = 32 << 20;

  private final RegistryClient client;

  /** A document with what its manifest refers to. */
  record Document<T>(T content, List<Descriptor> layers) {}

  CacheDocuments(RegistryClient client) {
    this.client = client;
  }

  /**
   * @throws OciException if what is there is no such document
   * @throws IOException if there is none, or the registry fails
   */
  <T> Document<T> get(Reference name, String artifactType, JsonForm<T> form) throws IOException {
    FetchedManifest fetched = client.fetchManifest(name);
    if (!MediaTypes.isManifest(fetched.descriptor().mediaType())) {
      throw new OciException(name + " is no manifest of a cache");
    }
    Manifest manifest = Json.read(fetched.bytes(), Manifest.JSON, name.toString());
    if (!artifactType.equals(manifest.artifactType())) {
      throw new OciException(name + " is no manifest of a cache");
    }
    byte[] bytes = content(name, manifest.config());
    return new Document<>(Json.read(bytes, form, name.toString()), manifest.layers());
  }

  private byte[] content(Reference name, Descriptor config) throws IOException {
    byte[] embedded = embedded(config);
    return embedded != null ? embedded : blob(name, config);
  }

  private static byte @Nullable [] embedded(Descriptor config) {
    if (config.data() == null) {
      return null;
    }
    try {
      byte[] bytes = Base64.getDecoder().decode(config.data());
      Descriptor is = Descriptor.ofBytes(config.mediaType(), bytes);
      return is.digest().equals(config.digest()) && is.size() == config.size() ? bytes : null;
    } catch (IllegalArgumentException notBase64) {
      return null;
    }
  }

  /** A small blob. */
  byte[] blob(Reference name, Descriptor blob) throws IOException {
    if (blob.size() > LARGEST) {
      throw new OciException("%s has %d bytes, too many".formatted(name, blob.size()));
    }
    try (InputStream in = client.openBlob(name, blob)) {
      return in.readAllBytes();
    }
  }

  /** Writes a document under each of the names, which are tags of one repository. */
  void put(List<Reference> names, String artifactType, byte[] bytes, List<Descriptor> layers)
      throws IOException {
    Descriptor config = Descriptor.ofBytes(artifactType + "+json", bytes);
    client.pushBlob(names.getFirst(), config, BlobSource.of(bytes), List.of());
    String data = bytes.length <= EMBEDDED ? Base64.getEncoder().encodeToString(bytes) : null;
    var embedding =
        new Descriptor(
            config.mediaType(), config.digest(), config.size(), null, null, data, null, null);
    byte[] manifest =
        Json.write(
            new Manifest(2, MediaTypes.OCI_MANIFEST, artifactType, embedding, layers, null, null),
            Manifest.JSON);
    for (Reference name : names) {
      client.pushManifest(name, manifest, MediaTypes.OCI_MANIFEST);
    }
  }
}
