package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code /v2/<name>/blobs/uploads/}: sessions in one piece or in chunks, and mounts
 * (distribution-spec 1.1, end-4, 5, 6, 11, 13). A session's Location is relative and has a query
 * that must come back, as those of distribution do.
 */
final class UploadRoutes {
  private static final Pattern RANGE =
      Pattern.compile("(?:bytes )?(\\d{1,18})-(\\d{1,18})(?:/.*)?");

  private record Session(String repository, String state, Blobs.Upload upload) {}

  private final Blobs blobs;
  private final Contents contents;
  private final Map<String, Session> sessions = new ConcurrentHashMap<>();

  UploadRoutes(Blobs blobs, Contents contents) {
    this.blobs = blobs;
    this.contents = contents;
  }

  void start(Exchange exchange, String repository) throws IOException, ApiError {
    if (!exchange.method().equals("POST")) {
      throw new ApiError(405, "UNSUPPORTED", "uploads are started by POST");
    }
    Optional<String> mount = exchange.parameter("mount");
    if (mount.isPresent()) {
      Digest digest = Exchange.digest(mount.get());
      String from = exchange.parameter("from").orElse("");
      if (contents.hasBlob(from, digest)) {
        contents.link(repository, digest);
        created(exchange, repository, digest);
        return;
      }
    }
    String id = UUID.randomUUID().toString();
    Session session =
        new Session(repository, UUID.randomUUID().toString().substring(0, 8), blobs.begin());
    sessions.put(id, session);
    Optional<String> digest = exchange.parameter("digest");
    if (digest.isPresent()) {
      append(exchange, session);
      finish(exchange, id, session, Exchange.digest(digest.get()));
      return;
    }
    at(exchange, id, session).answer(202);
  }

  void handle(Exchange exchange, String repository, String id) throws IOException, ApiError {
    Session session = sessions.get(id);
    if (session == null
        || !session.repository.equals(repository)
        || !exchange.parameter("_state").equals(Optional.of(session.state))) {
      throw new ApiError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    }
    synchronized (session) {
      switch (exchange.method()) {
        case "GET" -> at(exchange, id, session).answer(204);
        case "DELETE" -> {
          sessions.remove(id);
          session.upload.discard();
          exchange.answer(204);
        }
        case "PATCH" -> {
          checkRange(exchange, id, session);
          append(exchange, session);
          at(exchange, id, session).answer(202);
        }
        case "PUT" -> {
          String digest = exchange.parameter("digest").orElse("");
          checkRange(exchange, id, session);
          append(exchange, session);
          finish(exchange, id, session, Exchange.digest(digest));
        }
        default -> throw new ApiError(405, "UNSUPPORTED", "not a method of uploads");
      }
    }
  }

  private static Exchange at(Exchange exchange, String id, Session session) {
    return exchange
        .set(
            "Location",
            "/v2/" + session.repository + "/blobs/uploads/" + id + "?_state=" + session.state)
        .set("Docker-Upload-UUID", id)
        .set("Range", "0-" + Math.max(0, session.upload.size() - 1));
  }

  private static void checkRange(Exchange exchange, String id, Session session) throws ApiError {
    Matcher range = RANGE.matcher(exchange.header("Content-Range").orElse(""));
    if (range.matches() && Long.parseLong(range.group(1)) != session.upload.size()) {
      at(exchange, id, session);
      throw new ApiError(
          416, "BLOB_UPLOAD_INVALID", "the chunk does not begin where the last ended");
    }
  }

  private static void append(Exchange exchange, Session session) throws IOException {
    try (OutputStream out = session.upload.append()) {
      exchange.body().transferTo(out);
    }
  }

  private void finish(Exchange exchange, String id, Session session, Digest digest)
      throws IOException, ApiError {
    Digest actual = session.upload.digest(digest);
    sessions.remove(id);
    if (!actual.equals(digest)) {
      session.upload.discard();
      throw new ApiError(
          400, "DIGEST_INVALID", "provided digest did not match uploaded content: " + actual);
    }
    session.upload.commit(digest);
    contents.link(session.repository, digest);
    created(exchange, session.repository, digest);
  }

  private static void created(Exchange exchange, String repository, Digest digest)
      throws IOException {
    exchange
        .set("Location", "/v2/" + repository + "/blobs/" + digest)
        .set("Docker-Content-Digest", digest.toString())
        .answer(201);
  }
}
