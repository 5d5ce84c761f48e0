package build.kiln.runtime.mirror;

import build.kiln.runtime.mirror.CopyOptions.Referrers;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Copies what points at an image: by {@code subject} (distribution-spec 1.1, "Listing Referrers"),
 * and under the tags that cosign makes of a digest. Thread-safe.
 */
final class ReferrerCopies {
  /** A signature of an SBOM of an image is two. */
  private static final int MOST_LEVELS = 4;

  private static final List<String> COSIGN = List.of(".sig", ".att", ".sbom");

  private final RegistryClient source;
  private final RegistryClient destination;
  private final Trees trees;
  private final Referrers wanted;
  private final Map<String, Optional<Set<String>>> sourceTags = new ConcurrentHashMap<>();

  ReferrerCopies(RegistryClient source, RegistryClient destination, Trees trees, Referrers wanted) {
    this.source = source;
    this.destination = destination;
    this.trees = trees;
    this.wanted = wanted;
  }

  /** The tag of what cosign knows of an image: its signatures, attestations, SBOM. */
  static String cosignTag(Digest subject, String suffix) {
    return subject.algorithm() + "-" + subject.hex() + suffix;
  }

  /** The types of an artifact: what it says, or the media types of its config and layers. */
  static Set<String> types(FetchedManifest manifest) {
    JsonNode document = Json.tree(manifest.bytes(), "the manifest");
    Set<String> types = new HashSet<>();
    types.add(document.path("artifactType").asText(""));
    types.add(document.path("config").path("mediaType").asText(""));
    document.path("layers").forEach(layer -> types.add(layer.path("mediaType").asText("")));
    return types;
  }

  /** Copies those that the destination does not have. */
  void copy(Reference from, Reference to, Digest subject, Tally tally) throws IOException {
    bySubject(from, to, subject, tally, MOST_LEVELS);
    for (String suffix : COSIGN) {
      byTag(from, to, cosignTag(subject, suffix), tally);
    }
  }

  private void bySubject(Reference from, Reference to, Digest subject, Tally tally, int levels)
      throws IOException {
    List<Descriptor> all =
        source.referrers(from, subject).stream()
            .filter(each -> wanted.wants(String.valueOf(each.artifactType())))
            .toList();
    if (all.isEmpty() || levels == 0) {
      return;
    }
    Set<Digest> there =
        destination.referrers(to, subject).stream()
            .map(Descriptor::digest)
            .collect(Collectors.toSet());
    for (Descriptor referrer : all) {
      if (!there.contains(referrer.digest())) {
        FetchedManifest manifest = source.fetchManifest(from.withDigest(referrer.digest()));
        trees.pushReferrer(from, to, manifest, tally);
      }
      bySubject(from, to, referrer.digest(), tally, levels - 1);
    }
  }

  private void byTag(Reference from, Reference to, String tag, Tally tally) throws IOException {
    Reference there = from.withTag(tag);
    if (!mayExist(there)) {
      return;
    }
    Optional<Descriptor> artifact = source.head(there);
    if (artifact.isEmpty()) {
      return;
    }
    Reference target = to.withTag(tag);
    Digest digest = artifact.get().digest();
    if (destination.headTarget(target).filter(has -> has.digest().equals(digest)).isPresent()) {
      return;
    }
    FetchedManifest manifest = source.fetchManifest(from.withDigest(digest));
    if (types(manifest).stream().anyMatch(wanted::wants)) {
      trees.push(from, target, new Trees.Rewritten(manifest, Map.of()), tally);
    }
  }

  /** By the list of tags, which is asked for once; a registry that gives none is asked for each. */
  private boolean mayExist(Reference tagged) throws IOException {
    Optional<Set<String>> tags = sourceTags.get(tagged.name());
    if (tags == null) {
      tags = list(tagged);
      sourceTags.put(tagged.name(), tags);
    }
    return tags.isEmpty() || tags.get().contains(String.valueOf(tagged.tag()));
  }

  private Optional<Set<String>> list(Reference repository) throws IOException {
    try {
      return Optional.of(Set.copyOf(source.listTags(repository)));
    } catch (RegistryException e) {
      if (e.retryable()) {
        throw e;
      }
      return Optional.empty();
    }
  }
}
