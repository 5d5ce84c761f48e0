package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.Requester.Request;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Manifests by tag or digest: HEAD, GET, PUT, DELETE (distribution-spec 1.1, end-2, 3, 7, 9). */
final class Manifests {
  /** The specification asks registries for 4 MB; images with many layers and labels have more. */
  private static final int LIMIT = 32 << 20;

  private static final Map<String, String> ACCEPT =
      Map.of(
          "Accept",
          String.join(
              ", ",
              MediaTypes.OCI_INDEX,
              MediaTypes.OCI_MANIFEST,
              MediaTypes.DOCKER_INDEX,
              MediaTypes.DOCKER_MANIFEST,
              "*/*;q=0.1"));

  /** What servers that do not know a manifest's type say; the document itself then tells. */
  private static final Set<String> VAGUE =
      Set.of(
          "", "application/json", "text/plain", "application/octet-stream", "binary/octet-stream");

  private final Requester requester;
  private final Sites sites;

  Manifests(Requester requester, Sites sites) {
    this.requester = requester;
    this.sites = sites;
  }

  /**
   * @param toPush whether the token is to be good for a push as well, which saves another
   */
  Optional<Descriptor> head(Endpoint endpoint, Reference ref, boolean toPush) throws IOException {
    Request plain =
        Request.of("look up " + ref, endpoint, ref, "HEAD", path(endpoint, ref))
            .headers(ACCEPT)
            .expecting(200, 404, 405);
    Request request = toPush ? plain.scopes(List.of(Scope.push(plain.repository()))) : plain;
    Optional<Descriptor> known = requester.call(request, reply -> lookedUp(endpoint, ref, reply));
    // The digest's header is optional, and some registries know no HEAD.
    return known.isPresent() ? known : Optional.of(fetch(endpoint, ref).descriptor());
  }

  /**
   * As {@link #head}, unless the reference still points at what is known, which the registry may
   * say without reading it.
   *
   * @return empty if it does
   */
  Optional<Descriptor> headUnless(Endpoint endpoint, Reference ref, Digest known)
      throws IOException {
    Request request =
        Request.of("look up " + ref, endpoint, ref, "HEAD", path(endpoint, ref))
            .headers(acceptUnless(known))
            .expecting(200, 304, 404, 405);
    Look look =
        requester.call(
            request,
            reply ->
                reply.status() == 304
                    ? Look.UNCHANGED
                    : new Look(false, lookedUp(endpoint, ref, reply)));
    if (look.unchanged()) {
      return Optional.empty();
    }
    return look.found().isPresent()
        ? look.found().filter(found -> !found.digest().equals(known))
        : fetchUnless(endpoint, ref, known).map(FetchedManifest::descriptor);
  }

  /**
   * What an answer to a HEAD says.
   *
   * @param found empty if the registry does not say what it is
   */
  private record Look(boolean unchanged, Optional<Descriptor> found) {
    static final Look UNCHANGED = new Look(true, Optional.empty());
  }

  /** Empty if the registry does not say what it is. */
  private static Optional<Descriptor> lookedUp(Endpoint endpoint, Reference ref, HttpReply reply)
      throws RegistryException {
    if (reply.status() == 404) {
      throw new RegistryException(
          Code.NOT_FOUND,
          "tried to look up "
              + ref
              + " on "
              + endpoint.authority()
              + " but it is not there (status 404); check the repository and the tag or"
              + " digest",
          null,
          404,
          null,
          null);
    }
    return reply.status() == 405 ? Optional.empty() : fromHeaders(ref, reply);
  }

  /** With the digest as distribution's entity tag (RFC 9110, 13.1.2). */
  private static Map<String, String> acceptUnless(Digest known) {
    Map<String, String> headers = new HashMap<>(ACCEPT);
    headers.put("If-None-Match", "\"" + known + "\"");
    return headers;
  }

  private static Optional<Descriptor> fromHeaders(Reference ref, HttpReply reply)
      throws RegistryException {
    Optional<String> header = reply.header("Docker-Content-Digest");
    String type = mediaType(reply);
    boolean known = type.endsWith("+json") && !isSchema1(type);
    if (header.isEmpty() || reply.contentLength().isEmpty() || !known) {
      return Optional.empty();
    }
    Digest digest = digest(ref, header.get());
    if (ref.digest() != null && !ref.digest().equals(digest)) {
      throw invalid("look up " + ref, ref, "the registry says its digest is " + digest);
    }
    return Optional.of(Descriptor.of(type, digest, reply.contentLength().getAsLong()));
  }

  private static boolean isSchema1(String type) {
    return type.equals(MediaTypes.DOCKER_SCHEMA1) || type.equals(MediaTypes.DOCKER_SCHEMA1_SIGNED);
  }

  FetchedManifest fetch(Endpoint endpoint, Reference ref) throws IOException {
    String doing = "get the manifest of " + ref;
    Request request = Request.of(doing, endpoint, ref, "GET", path(endpoint, ref)).headers(ACCEPT);
    return requester.call(request, reply -> verified(doing, ref, reply));
  }

  /**
   * As {@link #fetch}, unless the reference still points at what is known: then the registry may
   * say so without sending it.
   *
   * @return empty if it does
   */
  Optional<FetchedManifest> fetchUnless(Endpoint endpoint, Reference ref, Digest known)
      throws IOException {
    String doing = "look whether " + ref + " has changed";
    Request request =
        Request.of(doing, endpoint, ref, "GET", path(endpoint, ref))
            .headers(acceptUnless(known))
            .expecting(200, 304);
    return requester.call(
        request,
        reply ->
            reply.status() == 304
                ? Optional.empty()
                : Optional.of(verified(doing, ref, reply))
                    .filter(found -> !found.descriptor().digest().equals(known)));
  }

  private static FetchedManifest verified(String doing, Reference ref, HttpReply reply)
      throws IOException {
    String type = mediaType(reply);
    if (isSchema1(type)) {
      throw schema1(doing, ref);
    }
    byte[] bytes = reply.bytes(LIMIT + 1);
    if (bytes.length > LIMIT) {
      throw invalid(doing, ref, "it is larger than " + (LIMIT >> 20) + " MiB");
    }
    Digest expected = ref.digest();
    Optional<String> header = reply.header("Docker-Content-Digest");
    if (expected == null && header.isPresent()) {
      expected = digest(ref, header.get());
    }
    Digest actual =
        expected == null
            ? Digest.ofBytes(bytes)
            : new Digest(
                expected.algorithm(), HexFormat.of().formatHex(expected.newHash().digest(bytes)));
    if (expected != null && !expected.equals(actual)) {
      throw invalid(doing, ref, "its content has the digest " + actual + ", not " + expected);
    }
    return new FetchedManifest(
        bytes, Descriptor.of(documentType(doing, ref, type, bytes), actual, bytes.length));
  }

  /** The type the document has, which the answer's header must not contradict. */
  private static String documentType(String doing, Reference ref, String header, byte[] bytes)
      throws RegistryException {
    JsonNode document;
    try {
      document = Json.tree(bytes, "the manifest");
    } catch (OciException e) {
      throw invalid(doing, ref, "it is not JSON");
    }
    if (document.path("schemaVersion").asInt() == 1) {
      throw schema1(doing, ref);
    }
    String inside = document.path("mediaType").asText("");
    if (!inside.isEmpty()) {
      if (!VAGUE.contains(header) && !header.equals(inside)) {
        throw invalid(
            doing,
            ref,
            "it is sent as "
                + Failures.printable(header, 100)
                + " but says it is "
                + Failures.printable(inside, 100));
      }
      if (inside.chars().anyMatch(c -> c < ' ' || c > '~')) {
        throw invalid(doing, ref, "its media type is none: " + Failures.printable(inside, 100));
      }
      return inside;
    }
    if (!VAGUE.contains(header)) {
      return header;
    }
    if (document.path("manifests").isArray()) {
      return MediaTypes.OCI_INDEX;
    }
    if (document.has("config") && document.path("layers").isArray()) {
      return MediaTypes.OCI_MANIFEST;
    }
    throw invalid(doing, ref, "it is neither an image manifest nor an index");
  }

  /**
   * What a push came to.
   *
   * @param subjectKnown whether the registry says that it lists the manifest as a referrer
   */
  record Stored(Descriptor descriptor, boolean subjectKnown) {}

  Stored put(Reference target, byte[] bytes, String mediaType) throws IOException {
    Endpoint endpoint = sites.upstream(target);
    String doing = "push the manifest " + target;
    Descriptor descriptor = descriptor(doing, target, bytes, mediaType);
    Request plain =
        Request.of(doing, endpoint, target, "PUT", path(endpoint, target))
            .body(HttpCall.Body.of(mediaType, bytes))
            .expecting(200, 201, 202, 204)
            .staying();
    Request request = plain.scopes(List.of(Scope.push(plain.repository())));
    return requester.call(
        request,
        // The digest is that of these very bytes. Distribution 2 says this of an index while
        // another
        // request writes one of its children anew: for a moment the child's file is empty.
        e -> e.retryable() || e.registryError().filter("DIGEST_INVALID"::equals).isPresent(),
        reply -> {
          Optional<String> header = reply.header("Docker-Content-Digest");
          boolean same =
              header.isEmpty()
                  || digest(target, header.get()).equals(descriptor.digest())
                  || !header.get().startsWith(descriptor.digest().algorithm() + ":");
          if (!same) {
            throw invalid(
                doing,
                target,
                "the registry stored " + header.get() + ", not " + descriptor.digest());
          }
          return new Stored(descriptor, reply.header("OCI-Subject").isPresent());
        });
  }

  private static Descriptor descriptor(
      String doing, Reference target, byte[] bytes, String mediaType) throws RegistryException {
    Digest wanted = target.digest();
    if (wanted == null) {
      return Descriptor.ofBytes(mediaType, bytes);
    }
    String hex = HexFormat.of().formatHex(wanted.newHash().digest(bytes));
    if (!wanted.hex().equals(hex)) {
      throw invalid(doing, target, "the bytes given have the digest " + hex);
    }
    return Descriptor.of(mediaType, wanted, bytes.length);
  }

  /**
   * Deletes; some registries (Quay) give the right to under another name, so the scopes go from
   * narrow to wide.
   *
   * @return false if it was not there
   */
  boolean delete(Reference ref) throws IOException {
    Endpoint endpoint = sites.upstream(ref);
    Request plain =
        Request.of("delete " + ref, endpoint, ref, "DELETE", path(endpoint, ref))
            .expecting(200, 202, 204, 404)
            .staying();
    List<String> actions = List.of("delete", "pull,push", "*");
    for (int i = 0; ; i++) {
      Request request = plain.scopes(List.of(Scope.of(plain.repository(), actions.get(i))));
      try {
        return requester.call(request, reply -> reply.status() != 404);
      } catch (RegistryException e) {
        boolean refused = e.code() == Code.DENIED || e.code() == Code.UNAUTHORIZED;
        if (!refused || i == actions.size() - 1) {
          throw e;
        }
      }
    }
  }

  private static String path(Endpoint endpoint, Reference ref) {
    return "/v2/"
        + endpoint.repository(ref).repository()
        + "/manifests/"
        + ref.identifier()
        + endpoint.query();
  }

  private static String mediaType(HttpReply reply) {
    String text = reply.header("Content-Type").orElse("");
    int semicolon = text.indexOf(';');
    String bare = semicolon < 0 ? text : text.substring(0, semicolon);
    return bare.strip().toLowerCase(Locale.ROOT);
  }

  private static Digest digest(Reference ref, String header) throws RegistryException {
    try {
      return Digest.parse(header);
    } catch (OciException e) {
      throw invalid("use " + ref, ref, "its Docker-Content-Digest is not a digest");
    }
  }

  private static RegistryException schema1(String doing, Reference ref) {
    return new RegistryException(
        Code.UNSUPPORTED,
        "tried to "
            + doing
            + " on "
            + ref.registry()
            + " but it is a Docker image of schema 1, a format retired in 2017 that has no layer"
            + " digests to verify; pull and push it again with a current docker");
  }

  private static RegistryException invalid(String doing, Reference ref, String why) {
    return new RegistryException(
        Code.INVALID,
        "tried to "
            + doing
            + " on "
            + ref.registry()
            + " but "
            + why
            + "; the content is damaged or something between changes it");
  }
}
