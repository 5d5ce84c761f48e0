package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.HostLimit.Lane;
import build.kiln.runtime.registry.PushResult.How;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.Requester.Request;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Brings a blob into a repository by the cheapest way: it is there, it can be mounted, or it is
 * sent in one PUT (distribution-spec 1.1, end-4b, 6, 11). Where something between refuses a body
 * that large (413), it is sent in chunks.
 */
final class BlobUpload {
  private final Requester requester;
  private final Sites sites;
  private final Duration commitTimeout;

  BlobUpload(Requester requester, Sites sites, Duration commitTimeout) {
    this.requester = requester;
    this.sites = sites;
    this.commitTimeout = commitTimeout;
  }

  boolean exists(Reference repository, Digest digest, boolean toPush) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    String doing = "look up the blob " + digest + " of " + repository.name();
    Request request =
        Request.of(doing, endpoint, repository, "HEAD", path(endpoint, repository) + digest)
            // Some, and object stores behind redirects, answer 403 for what is not there: a push of
            // it
            // is refused then if it must not be.
            .expecting(200, 403, 404);
    // One token for the whole push: asking for push here saves another trip to the token server.
    Request asked = toPush ? request.scopes(List.of(Scope.push(request.repository()))) : request;
    return requester.call(asked, reply -> reply.status() == 200);
  }

  PushResult push(
      Reference repository,
      Descriptor blob,
      BlobSource content,
      List<Reference> mountFrom,
      boolean lookFirst)
      throws IOException {
    if (lookFirst && exists(repository, blob.digest(), true)) {
      return new PushResult(How.EXISTED, 0);
    }
    Optional<URI> session = Optional.empty();
    for (Reference source : mountFrom) {
      if (mountable(repository, source)) {
        Mount mount = mount(repository, source, blob.digest());
        session.ifPresent(unused -> cancel(repository, unused));
        if (mount.done()) {
          return new PushResult(How.MOUNTED, 0);
        }
        session = mount.session();
      }
    }
    Sending sending = new Sending(repository, blob, content, session);
    return requester.retries().run(sending.doing, requester.retries().attempts(), sending::once);
  }

  PushResult stream(Reference repository, InputStream content, RegistryClient.WrittenBlob written)
      throws IOException {
    String doing = "stream a blob to " + repository.name();
    try (content) {
      URI session = start(doing, repository).location();
      try {
        Request patch =
            request(doing, repository, "PATCH", session)
                .body(new HttpCall.Body("application/octet-stream", -1, () -> content))
                .lane(Lane.UPLOAD)
                .expecting(202, 204);
        session = requester.callOnce(patch, reply -> next(doing, repository, reply));
        Descriptor blob = written.whole();
        Request put =
            request(doing, repository, "PUT", ChunkedUpload.withDigest(session, blob.digest()))
                .body(HttpCall.Body.of("application/octet-stream", new byte[0]))
                .expecting(201, 204);
        requester.callOnce(put, HttpReply::status);
        return new PushResult(How.UPLOADED, blob.size());
      } catch (IOException e) {
        cancel(repository, session);
        throw e;
      }
    }
  }

  private Request request(String doing, Reference repository, String method, URI target) {
    Request plain =
        Request.of(doing, sites.upstream(repository), repository, method, target.toString());
    return plain.scopes(List.of(Scope.push(plain.repository()))).silence(commitTimeout);
  }

  private URI next(String doing, Reference repository, HttpReply reply) throws IOException {
    return location(doing, sites.upstream(repository), reply);
  }

  private static boolean mountable(Reference target, Reference source) {
    return source.registry().equals(target.registry())
        && !source.repository().equals(target.repository());
  }

  private record Mount(boolean done, Optional<URI> session) {}

  /** Whatever a registry answers but 201 only means that the blob has to be sent. */
  private Mount mount(Reference repository, Reference source, Digest digest) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    String doing = "mount the blob " + digest + " from " + source.name();
    Request plain =
        Request.of(
                doing,
                endpoint,
                repository,
                "POST",
                path(endpoint, repository)
                    + "uploads/?mount="
                    + digest
                    + "&from="
                    + endpoint.repository(source).repository())
            .expecting(201, 202);
    Request request =
        plain.scopes(
            List.of(Scope.push(plain.repository()), Scope.pull(endpoint.repository(source))));
    try {
      return requester.call(
          request,
          reply ->
              reply.status() == 201
                  ? new Mount(true, Optional.empty())
                  : new Mount(false, Optional.of(location(doing, endpoint, reply))));
    } catch (RegistryException e) {
      if (e.retryable()) {
        throw e;
      }
      return new Mount(false, Optional.empty());
    }
  }

  /**
   * An upload that was begun.
   *
   * @param leastChunk bytes that a chunk must have but for the last, 0 if the registry does not say
   */
  private record Session(URI location, long leastChunk) {}

  private Session start(String doing, Reference repository) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    Request plain =
        Request.of(doing, endpoint, repository, "POST", path(endpoint, repository) + "uploads/")
            .expecting(202);
    Request request = plain.scopes(List.of(Scope.push(plain.repository())));
    return requester.callOnce(
        request,
        reply -> new Session(location(doing, endpoint, reply), ChunkedUpload.least(reply)));
  }

  private URI location(String doing, Endpoint endpoint, HttpReply reply) throws IOException {
    Optional<String> location = reply.header("Location");
    if (location.isEmpty()) {
      throw new RegistryException(
          Code.INVALID,
          "tried to "
              + doing
              + " on "
              + endpoint.authority()
              + " but its answer says not where to; is this a registry?");
    }
    return sites.site(endpoint).accept(reply.uri(), location.get(), "upload location");
  }

  /** Politeness: an upload that is not used goes by itself after a week or so. */
  private void cancel(Reference repository, URI session) {
    Endpoint endpoint = sites.upstream(repository);
    Request plain =
        Request.of("cancel an upload", endpoint, repository, "DELETE", session.toString())
            .expecting(200, 202, 204, 404);
    // A thread that was interrupted has all the more to cancel.
    boolean interrupted = Thread.interrupted();
    try {
      requester.callOnce(plain.scopes(List.of(Scope.push(plain.repository()))), HttpReply::status);
    } catch (IOException e) {
      // Nothing depends on it.
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static String path(Endpoint endpoint, Reference repository) {
    return "/v2/" + endpoint.repository(repository).repository() + "/blobs/";
  }

  /** One blob being sent; every try starts at its first byte, in a new session. */
  private final class Sending {
    private final Reference repository;
    private final Descriptor blob;
    private final BlobSource content;
    private final String doing;
    private Optional<URI> session;
    private boolean chunked;

    Sending(Reference repository, Descriptor blob, BlobSource content, Optional<URI> session) {
      this.repository = repository;
      this.blob = blob;
      this.content = content;
      this.session = session;
      this.doing = "push the blob " + blob.digest() + " to " + repository.name();
    }

    PushResult once() throws IOException {
      Session begun =
          session.isPresent() ? new Session(session.get(), 0) : start(doing, repository);
      session = Optional.empty();
      try {
        if (chunked) {
          ChunkedUpload chunks = new ChunkedUpload(requester, this::request, this::next);
          chunks.send(begun.location(), begun.leastChunk(), blob, content);
        } else {
          put(begun.location());
        }
        return new PushResult(How.UPLOADED, blob.size());
      } catch (HttpTransport.SourceFailure e) {
        throw Failures.of(doing, repository.registry(), e);
      } catch (RegistryException e) {
        if (e.status() == 413 && !chunked) {
          chunked = true;
          return once();
        }
        throw lostSession(e)
            ? new RegistryException(
                Code.UNAVAILABLE, e.getMessage() + " (the upload was forgotten)", e)
            : e;
      }
    }

    private void put(URI location) throws IOException {
      Request request =
          request("PUT", ChunkedUpload.withDigest(location, blob.digest()))
              .body(new HttpCall.Body("application/octet-stream", blob.size(), content))
              .lane(Lane.UPLOAD)
              .expecting(201, 204);
      requester.callOnce(request, HttpReply::status);
    }

    private Request request(String method, URI target) {
      return BlobUpload.this.request(doing, repository, method, target);
    }

    private URI next(HttpReply reply) throws IOException {
      return BlobUpload.this.next(doing, repository, reply);
    }

    /** Registries behind a load balancer forget sessions; a new one is worth a try. */
    private boolean lostSession(RegistryException e) {
      return e.registryError().filter("BLOB_UPLOAD_UNKNOWN"::equals).isPresent()
          || e.status() == 404
          || e.status() == 416;
    }
  }
}
