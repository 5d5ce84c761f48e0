package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Pages.Listing;
import build.kiln.runtime.registry.RegistryException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Manifests that point at another by their {@code subject}: signatures, SBOMs (distribution-spec
 * 1.1, end-12). A registry that does not know referrers has them listed in an index under the
 * fallback tag {@code sha256-<hex>} of the subject, which clients keep.
 */
final class Referrers {
  /** Others may write the tag at the same time, and there is no compare and swap. */
  private static final int ATTEMPTS = 5;

  private final Pages pages;
  private final Manifests manifests;
  private final Sites sites;
  private final Set<String> without = ConcurrentHashMap.newKeySet();
  private final Map<String, ReentrantLock> locks = new ConcurrentHashMap<>();

  Referrers(Pages pages, Manifests manifests, Sites sites) {
    this.pages = pages;
    this.manifests = manifests;
    this.sites = sites;
  }

  /** The tag that lists a subject's referrers where the registry does not. */
  static String fallbackTag(Digest subject) {
    String tag = subject.algorithm() + "-" + subject.hex();
    return tag.length() <= 128 ? tag : tag.substring(0, 128);
  }

  List<Descriptor> list(Reference repository, Digest subject) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    if (!without.contains(endpoint.authority())) {
      Optional<List<Descriptor>> listed = ask(endpoint, repository, subject);
      if (listed.isPresent()) {
        return listed.get();
      }
    }
    Optional<FetchedManifest> index = fallback(endpoint, repository, subject);
    return index.isPresent()
        ? descriptors("read the referrers of " + subject, endpoint, index(index))
        : List.of();
  }

  /** Empty if the registry does not know referrers, which only a 404 says. */
  private Optional<List<Descriptor>> ask(Endpoint endpoint, Reference repository, Digest subject)
      throws IOException {
    Reference there = endpoint.repository(repository);
    String doing = "list the referrers of " + repository.name() + "@" + subject;
    List<Descriptor> all = new ArrayList<>();
    Optional<JsonNode> absent =
        pages.visit(
            new Listing(
                doing,
                endpoint,
                repository,
                "/v2/" + there.repository() + "/referrers/" + subject,
                List.of(Scope.pull(there)),
                true),
            (document, linked) -> {
              all.addAll(descriptors(doing, endpoint, document));
              return Optional.empty();
            });
    if (absent.isEmpty()) {
      return Optional.of(List.copyOf(all));
    }
    String error = absent.get().path("errors").path(0).path("code").asText("");
    // A repository that is not there says nothing of the registry, nor does a missing subject.
    if (!error.endsWith("_UNKNOWN")) {
      without.add(endpoint.authority());
    }
    return Optional.empty();
  }

  private Optional<FetchedManifest> fallback(
      Endpoint endpoint, Reference repository, Digest subject) throws IOException {
    try {
      return Optional.of(manifests.fetch(endpoint, repository.withTag(fallbackTag(subject))));
    } catch (RegistryException e) {
      if (e.code() == Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Pushes a manifest that has a subject, and lists it where the registry does not. */
  Descriptor push(Reference target, byte[] bytes, String mediaType) throws IOException {
    Manifests.Stored stored = manifests.put(target, bytes, mediaType);
    if (!stored.subjectKnown()) {
      JsonNode document = Json.tree(bytes, "the manifest");
      String subject = document.path("subject").path("digest").asText("");
      if (!subject.isEmpty()) {
        list(target, Digest.parse(subject), listed(stored.descriptor(), document));
      }
    }
    return stored.descriptor();
  }

  private static ObjectNode listed(Descriptor descriptor, JsonNode document) {
    ObjectNode listed = (ObjectNode) Descriptor.JSON.write(descriptor);
    String type = document.path("artifactType").asText("");
    listed.put(
        "artifactType",
        type.isEmpty() ? document.path("config").path("mediaType").asText("") : type);
    if (document.path("annotations").isObject()) {
      listed.set("annotations", document.path("annotations"));
    }
    return listed;
  }

  private void list(Reference target, Digest subject, ObjectNode referrer) throws IOException {
    Endpoint endpoint = sites.upstream(target);
    Reference tag = target.withTag(fallbackTag(subject));
    ReentrantLock lock = locks.computeIfAbsent(tag.toString(), ignored -> new ReentrantLock());
    lock.lock();
    try {
      for (int i = 0; i < ATTEMPTS; i++) {
        ObjectNode index = index(fallback(endpoint, target, subject));
        if (has(index, referrer)) {
          return;
        }
        index.withArray("manifests").add(referrer);
        manifests.put(tag, Json.write(index), MediaTypes.OCI_INDEX);
      }
      if (!has(index(fallback(endpoint, target, subject)), referrer)) {
        throw new RegistryException(
            Code.UNAVAILABLE,
            "tried to list a referrer under "
                + tag
                + " but others write it at the same time; try again later");
      }
    } finally {
      lock.unlock();
    }
  }

  private static ObjectNode index(Optional<FetchedManifest> found) throws IOException {
    if (found.isPresent()
        && Json.tree(found.get().bytes()) instanceof ObjectNode index
        && index.path("manifests") instanceof ArrayNode) {
      return index;
    }
    ObjectNode index = Json.mapper().createObjectNode();
    index.put("schemaVersion", 2).put("mediaType", MediaTypes.OCI_INDEX).putArray("manifests");
    return index;
  }

  private static boolean has(ObjectNode index, ObjectNode referrer) {
    for (JsonNode each : index.path("manifests")) {
      if (each.path("digest").equals(referrer.path("digest"))) {
        return true;
      }
    }
    return false;
  }

  private static List<Descriptor> descriptors(String doing, Endpoint endpoint, JsonNode index)
      throws RegistryException {
    List<Descriptor> all = new ArrayList<>();
    try {
      for (JsonNode each : index.path("manifests")) {
        all.add(Descriptor.read(each));
      }
    } catch (OciException e) {
      throw broken(doing, endpoint);
    }
    return List.copyOf(all);
  }

  private static RegistryException broken(String doing, Endpoint endpoint) {
    return new RegistryException(
        Code.INVALID,
        "tried to "
            + doing
            + " on "
            + endpoint.authority()
            + " but its list is not one of descriptors; is this a registry?");
  }
}
