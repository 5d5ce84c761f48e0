package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryProbe.Seen;
import build.kiln.runtime.registry.Requester.Request;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Finds out by writing what a registry can do: small random blobs and manifests in one repository,
 * one blob in the repository {@code kiln-check} below it, all of which it removes if it can.
 */
final class WriteProbe {
  private static final int SMALL = 4096;
  private static final String ARTIFACT = "application/vnd.kiln.check.v1";
  private static final String BELOW = "kiln-check";

  private final Requester requester;
  private final Sites sites;
  private final RegistryProbe reading;
  private final RandomGenerator random;
  private final Reference repository;
  private final Endpoint endpoint;
  private @Nullable Descriptor config;
  private final List<Capability> found = new ArrayList<>();
  private final List<String> left = new ArrayList<>();

  WriteProbe(
      Requester requester,
      Sites sites,
      RegistryProbe reading,
      RandomGenerator random,
      Reference repository) {
    this.requester = requester;
    this.sites = sites;
    this.reading = reading;
    this.random = random;
    this.repository = repository;
    this.endpoint = sites.upstream(repository);
  }

  List<Capability> run() throws IOException {
    Descriptor whole = monolithic();
    ranges(whole);
    Descriptor chunked = chunked();
    Reference below =
        new Reference(repository.registry(), repository.repository() + "/" + BELOW, null, null);
    mount(whole, below);
    manifests(whole);
    deleteBlob(repository, whole, true);
    deleteBlob(repository, chunked, false);
    deleteBlob(below, whole, false);
    if (config != null) {
      deleteBlob(repository, config, false);
    }
    found.add(
        left.isEmpty()
            ? Capability.of("clean-up", true, "nothing of this check is left")
            : Capability.of("clean-up", false, "left behind: " + String.join(", ", left)));
    return List.copyOf(found);
  }

  private byte[] bytes(int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) random.nextInt();
    }
    return bytes;
  }

  private Request request(String doing, Reference where, String method, String target) {
    Request plain = Request.of(doing, endpoint, where, method, target);
    return plain.scopes(List.of(Scope.push(plain.repository())));
  }

  private String path(Reference where) {
    return "/v2/" + endpoint.repository(where).repository();
  }

  private record Session(URI location, long leastChunk) {}

  /** Nothing else can be found out where an upload cannot be begun. */
  private Session begin() throws IOException {
    Request post =
        request("begin an upload", repository, "POST", path(repository) + "/blobs/uploads/")
            .expecting(202);
    return requester.call(
        post, reply -> new Session(next("begin an upload", reply), ChunkedUpload.least(reply)));
  }

  private URI next(String doing, HttpReply reply) throws IOException {
    String location =
        reply
            .header("Location")
            .orElseThrow(() -> new IOException("its answer says not where to " + doing));
    return sites.site(endpoint).accept(reply.uri(), location, "upload location");
  }

  private Descriptor monolithic() throws IOException {
    byte[] bytes = bytes(SMALL);
    Descriptor blob = Descriptor.ofBytes(MediaTypes.OCI_LAYER, bytes);
    Session session = begin();
    found.add(
        session.leastChunk > 0
            ? Capability.of("chunk-min-length", true, "OCI-Chunk-Min-Length: " + session.leastChunk)
            : Capability.of("chunk-min-length", false, "no OCI-Chunk-Min-Length"));
    Request put =
        request(
                "upload in one PUT",
                repository,
                "PUT",
                ChunkedUpload.withDigest(session.location, blob.digest()).toString())
            .body(HttpCall.Body.of("application/octet-stream", bytes));
    Seen seen = reading.see(put);
    found.add(
        Capability.of("upload-monolithic", seen.status() == 201, "POST, PUT is " + seen.status()));
    return blob;
  }

  private Descriptor chunked() throws IOException {
    Session session = begin();
    int first = (int) Math.clamp(session.leastChunk, SMALL, 16 << 20);
    byte[] bytes = bytes(first + SMALL);
    Descriptor blob = Descriptor.ofBytes(MediaTypes.OCI_LAYER, bytes);
    ChunkedUpload upload =
        new ChunkedUpload(
            requester,
            (method, target) ->
                request("upload in two chunks", repository, method, target.toString()),
            reply -> next("go on", reply),
            first);
    try {
      upload.send(session.location, session.leastChunk, blob, BlobSource.of(bytes));
      found.add(Capability.of("upload-chunked", true, "two PATCHes of " + first + " and " + SMALL));
    } catch (RegistryException e) {
      found.add(Capability.of("upload-chunked", false, "PATCH is " + e.status()));
    }
    return blob;
  }

  private void ranges(Descriptor blob) throws IOException {
    Request get =
        request(
                "read a part of a blob",
                repository,
                "GET",
                path(repository) + "/blobs/" + blob.digest())
            .headers(Map.of("Range", "bytes=16-31"));
    Seen seen = reading.see(get);
    boolean does =
        seen.status() == 206
            && seen.contentRange().filter(range -> range.startsWith("bytes 16-31/")).isPresent();
    found.add(Capability.of("blob-ranges", does, "GET with a Range is " + seen.status()));
  }

  private void mount(Descriptor blob, Reference below) throws IOException {
    Request plain =
        request(
            "mount a blob",
            below,
            "POST",
            path(below)
                + "/blobs/uploads/?mount="
                + blob.digest()
                + "&from="
                + endpoint.repository(repository).repository());
    Request post =
        plain.scopes(
            List.of(Scope.push(plain.repository()), Scope.pull(endpoint.repository(repository))));
    Seen seen = reading.see(post);
    found.add(
        Capability.of(
            "mount", seen.status() == 201, "into " + below.name() + " is " + seen.status()));
  }

  private void manifests(Descriptor layer) throws IOException {
    byte[] empty = "{}".getBytes(StandardCharsets.UTF_8);
    Descriptor empties = Descriptor.ofBytes(MediaTypes.OCI_EMPTY, empty);
    Session session = begin();
    reading.see(
        request(
                "upload a configuration",
                repository,
                "PUT",
                ChunkedUpload.withDigest(session.location, empties.digest()).toString())
            .body(HttpCall.Body.of("application/octet-stream", empty)));
    config = empties;
    Manifest image =
        new Manifest(2, MediaTypes.OCI_MANIFEST, ARTIFACT, empties, List.of(layer), null, null);
    Descriptor subject = Descriptor.ofBytes(MediaTypes.OCI_MANIFEST, Json.write(image));
    String tag = BELOW + "-" + layer.digest().shortHex();
    Seen tagged = put(tag, MediaTypes.OCI_MANIFEST, Json.write(image));
    found.add(
        Capability.of(
            "artifacts",
            tagged.status() == 201,
            "PUT of a manifest with an artifactType is " + tagged.status()));
    found.addAll(reading.repository(repository));
    if (tagged.status() != 201) {
      return;
    }
    Manifest referrer =
        new Manifest(2, MediaTypes.OCI_MANIFEST, ARTIFACT, empties, List.of(layer), subject, null);
    byte[] referrerBytes = Json.write(referrer);
    Digest referrerDigest = Digest.ofBytes(referrerBytes);
    put(referrerDigest.toString(), MediaTypes.OCI_MANIFEST, referrerBytes);
    referrers(subject.digest(), referrerDigest);
    sparseIndex();
    deletes(tag, subject.digest(), referrerDigest);
  }

  private Seen put(String reference, String mediaType, byte[] bytes) throws IOException {
    return reading.see(
        request("push a manifest", repository, "PUT", path(repository) + "/manifests/" + reference)
            .body(HttpCall.Body.of(mediaType, bytes)));
  }

  private void referrers(Digest subject, Digest referrer) throws IOException {
    Seen seen =
        reading.see(
            request(
                "list referrers", repository, "GET", path(repository) + "/referrers/" + subject));
    boolean listed = false;
    for (JsonNode each : seen.document().path("manifests")) {
      listed |= each.path("digest").asText("").equals(referrer.toString());
    }
    found.add(
        Capability.of(
            "referrers",
            listed,
            "GET referrers is "
                + seen.status()
                + (seen.status() == 200 && !listed ? " without the referrer" : "")));
  }

  private void sparseIndex() throws IOException {
    Descriptor missing =
        Descriptor.ofBytes(MediaTypes.OCI_MANIFEST, bytes(64))
            .withPlatform(Platform.parse("linux/amd64"));
    byte[] index =
        Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(missing), null, null));
    String digest = Digest.ofBytes(index).toString();
    Seen seen = put(digest, MediaTypes.OCI_INDEX, index);
    found.add(
        Capability.of(
            "sparse-index",
            seen.status() == 201,
            "PUT of an index without its manifest is " + seen.status()));
    if (seen.status() == 201 && !gone("/manifests/" + digest)) {
      left.add("manifest " + digest);
    }
  }

  private void deletes(String tag, Digest tagged, Digest referrer) throws IOException {
    int status = delete(repository, "/manifests/" + tag);
    found.add(Capability.of("delete-tag", status == 202, "DELETE of a tag is " + status));
    int byDigest = delete(repository, "/manifests/" + referrer);
    found.add(
        Capability.of("delete-manifest", byDigest == 202, "DELETE of a manifest is " + byDigest));
    if (byDigest != 202) {
      left.add("manifest " + referrer);
    }
    if (!gone("/manifests/" + tagged)) {
      left.add("tag " + tag);
    }
  }

  private boolean gone(String path) throws IOException {
    int status = delete(repository, path);
    return status == 202 || status == 404;
  }

  private int delete(Reference where, String path) throws IOException {
    Request plain =
        Request.of("delete what was written", endpoint, where, "DELETE", path(where) + path);
    try {
      return reading
          .see(plain.scopes(List.of(Scope.of(plain.repository(), "pull,push,delete"))))
          .status();
    } catch (RegistryException refused) {
      return refused.status();
    }
  }

  private void deleteBlob(Reference where, Descriptor blob, boolean tell) throws IOException {
    int status = delete(where, "/blobs/" + blob.digest());
    if (tell) {
      found.add(Capability.of("delete-blob", status == 202, "DELETE of a blob is " + status));
    }
    if (status != 202 && status != 404) {
      left.add("blob " + blob.digest().shortHex() + " of " + where.name());
    }
  }
}
