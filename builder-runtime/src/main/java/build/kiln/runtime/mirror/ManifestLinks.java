package build.kiln.runtime.mirror;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.FetchedManifest;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a manifest points at, whatever its media type: {@code config}, {@code layers} and {@code
 * blobs} are blobs, {@code manifests} are manifests.
 *
 * @param blobs each digest once
 */
record ManifestLinks(List<Descriptor> blobs, List<Descriptor> manifests) {
  ManifestLinks {
    blobs = List.copyOf(blobs);
    manifests = List.copyOf(manifests);
  }

  static ManifestLinks of(Reference name, FetchedManifest manifest) throws CopyException {
    try {
      JsonNode document = Json.tree(manifest.bytes(), "the manifest");
      Map<String, Descriptor> blobs = new LinkedHashMap<>();
      if (document.path("config").isObject()) {
        add(blobs, document.path("config"));
      }
      document.path("layers").forEach(blob -> add(blobs, blob));
      document.path("blobs").forEach(blob -> add(blobs, blob));
      List<Descriptor> manifests = new ArrayList<>();
      document.path("manifests").forEach(child -> manifests.add(Descriptor.read(child)));
      return new ManifestLinks(List.copyOf(blobs.values()), manifests);
    } catch (OciException e) {
      throw new CopyException(
          Reason.InvalidContent,
          "tried to copy %s but its manifest %s is not to be read: %s; build and push the image again"
              .formatted(name, manifest.descriptor().digest(), e.getMessage()),
          e);
    }
  }

  private static void add(Map<String, Descriptor> blobs, JsonNode json) {
    Descriptor blob = Descriptor.read(json);
    if (!livesElsewhere(blob)) {
      blobs.putIfAbsent(blob.digest().toString(), blob);
    }
  }

  /**
   * Layers that may not be distributed are at their URLs and not in registries (OCI image-spec 1.1,
   * "Non-Distributable Layers"), which take a manifest without them.
   */
  private static boolean livesElsewhere(Descriptor blob) {
    String type = blob.mediaType().toLowerCase(Locale.ROOT);
    return blob.urls() != null
        && !blob.urls().isEmpty()
        && (type.contains("nondistributable") || type.contains(".foreign."));
  }
}
