package build.kiln.runtime.mirror;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.FetchedManifest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Which manifests of an index are wanted, by their platforms. */
final class PlatformChoice {
  /** What BuildKit calls the digest of the image that an attestation is of. */
  private static final String ATTESTED = "vnd.docker.reference.digest";

  private final List<Platform> platforms;

  PlatformChoice(List<Platform> platforms) {
    this.platforms = platforms;
  }

  /**
   * The manifests for the platforms, the attestations of those, and what is for no platform:
   * indexes within the index, artifacts.
   *
   * @throws CopyException PlatformNotFound if the index is for platforms, but not for these
   */
  List<Descriptor> of(Reference name, List<Descriptor> manifests) throws CopyException {
    if (platforms.isEmpty()) {
      return manifests;
    }
    Set<String> chosen = new HashSet<>();
    boolean any = false;
    for (Descriptor manifest : manifests) {
      boolean real = isForPlatform(manifest);
      any |= real;
      if (!isAttestation(manifest) && (!real || accepts(manifest.platform()))) {
        chosen.add(manifest.digest().toString());
      }
    }
    List<Descriptor> wanted =
        manifests.stream()
            .filter(
                each ->
                    isAttestation(each)
                        ? chosen.contains(annotation(each))
                        : chosen.contains(each.digest().toString()))
            .toList();
    if (any && wanted.stream().noneMatch(PlatformChoice::isForPlatform)) {
      throw new CopyException(
          Reason.PlatformNotFound,
          "tried to copy %s for %s but it is for %s; name platforms that it has"
              .formatted(
                  name,
                  texts(platforms),
                  texts(
                      manifests.stream()
                          .filter(PlatformChoice::isForPlatform)
                          .map(each -> String.valueOf(each.platform()))
                          .toList())));
    }
    return wanted;
  }

  private static String texts(List<?> things) {
    return things.stream().map(String::valueOf).distinct().collect(Collectors.joining(", "));
  }

  private boolean accepts(@Nullable Platform platform) {
    return platform != null && platforms.stream().anyMatch(wanted -> wanted.accepts(platform));
  }

  private static boolean isForPlatform(Descriptor manifest) {
    Platform platform = manifest.platform();
    return platform != null && !platform.os().equals("unknown");
  }

  private static boolean isAttestation(Descriptor manifest) {
    return !annotation(manifest).isEmpty();
  }

  private static String annotation(Descriptor manifest) {
    Map<String, String> annotations = manifest.annotations();
    return annotations == null ? "" : annotations.getOrDefault(ATTESTED, "");
  }

  /**
   * The index with these manifests only, all else as it was.
   *
   * @param replaced what became of manifests that were rewritten themselves
   */
  static FetchedManifest rewritten(
      FetchedManifest index, List<Descriptor> wanted, Map<Digest, Descriptor> replaced)
      throws IOException {
    ObjectNode document = (ObjectNode) Json.tree(index.bytes());
    Set<String> digests =
        wanted.stream().map(each -> each.digest().toString()).collect(Collectors.toSet());
    ArrayNode kept = Json.mapper().createArrayNode();
    boolean changed = false;
    for (JsonNode each : document.path("manifests")) {
      String digest = each.path("digest").asText("");
      if (!digests.contains(digest)) {
        changed = true;
        continue;
      }
      Descriptor instead = replaced.get(Digest.parse(digest));
      if (instead != null) {
        changed = true;
        ((ObjectNode) each).put("digest", instead.digest().toString()).put("size", instead.size());
      }
      kept.add(each);
    }
    if (!changed) {
      return index;
    }
    document.set("manifests", kept);
    byte[] bytes = Json.write(document);
    return new FetchedManifest(bytes, Descriptor.ofBytes(index.descriptor().mediaType(), bytes));
  }
}
