package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Deletes a tag and nothing else. Registries before distribution 3 delete manifests only, with all
 * their tags: there the tag is moved to a manifest that nobody else has, which is deleted then;
 * after it was seen, with one that has no tag, that the registry deletes at all.
 */
final class TagDeletion {
  private static final byte[] EMPTY = "{}".getBytes(StandardCharsets.UTF_8);

  private final RegistryClient client;

  TagDeletion(RegistryClient client) {
    this.client = client;
  }

  /**
   * Deletes the tag if it still points there.
   *
   * @return false if it is not there, or points at something else by now
   */
  boolean delete(Reference tag, Digest expected) throws IOException {
    Optional<Descriptor> there = client.headTarget(tag);
    if (there.isEmpty() || !there.get().digest().equals(expected)) {
      return false;
    }
    try {
      return client.deleteManifest(tag);
    } catch (RegistryException e) {
      boolean unknown =
          e.code() == RegistryException.Code.UNSUPPORTED
              || e.code() == RegistryException.Code.INVALID;
      if (!unknown) {
        throw e;
      }
    }
    byte[] probe = manifest(tag, "probe");
    client.deleteManifest(push(tag.withDigest(Digest.ofBytes(probe)), probe));
    byte[] placeholder = manifest(tag, "placeholder");
    push(tag, placeholder);
    return client.deleteManifest(tag.withDigest(Digest.ofBytes(placeholder)));
  }

  private byte[] manifest(Reference tag, String role) throws IOException {
    Descriptor empty = client.pushMissingBlob(tag, MediaTypes.OCI_EMPTY, EMPTY);
    return Json.write(
        Manifest.oci(empty, List.of(empty), Map.of("build.kiln.deleted", tag.tag() + " " + role)));
  }

  private Reference push(Reference target, byte[] manifest) throws IOException {
    client.pushManifest(target, manifest, MediaTypes.OCI_MANIFEST);
    return target;
  }
}
