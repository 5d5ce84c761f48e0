package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.registry.HostLimit.Lane;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.Requester.Request;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sends a blob in PATCH requests and closes it with an empty PUT (distribution-spec 1.1, "Pushing a
 * blob in chunks"). One chunk is in memory at a time, since a chunk may have to be sent again.
 */
final class ChunkedUpload {
  private static final int CHUNK = 16 << 20;

  /** The most memory that a registry may ask for by OCI-Chunk-Min-Length. */
  private static final int LARGEST_CHUNK = 64 << 20;

  private static final Pattern RANGE = Pattern.compile("(?:bytes=)?0-(\\d{1,18})");

  /** Makes a request of this upload. */
  interface Requests {
    Request make(String method, URI target);
  }

  /** Where the next request goes, by an answer's Location. */
  interface Next {
    URI after(HttpReply reply) throws IOException;
  }

  private record State(URI location, long received) {}

  private final Requester requester;
  private final Requests requests;
  private final Next next;
  private final int usual;

  ChunkedUpload(Requester requester, Requests requests, Next next) {
    this(requester, requests, next, CHUNK);
  }

  /**
   * @param usual size of a chunk, where the registry does not want more
   */
  ChunkedUpload(Requester requester, Requests requests, Next next, int usual) {
    this.requester = requester;
    this.requests = requests;
    this.next = next;
    this.usual = usual;
  }

  /** What a session's answer says a chunk must have at least; 0 if it says nothing. */
  static long least(HttpReply reply) {
    String text = reply.header("OCI-Chunk-Min-Length").orElse("");
    return text.matches("[0-9]{1,18}") ? Long.parseLong(text) : 0;
  }

  /**
   * @param least as the registry wants chunks, in bytes
   * @throws RegistryException UNSUPPORTED if that is more than is kept in memory
   */
  void send(URI session, long least, Descriptor blob, BlobSource content) throws IOException {
    int most = chunkSize(usual, least, blob);
    State state = new State(session, 0);
    try (InputStream in = open(content)) {
      while (state.received < blob.size()) {
        byte[] chunk = read(in, (int) Math.min(most, blob.size() - state.received));
        if (chunk.length == 0) {
          throw new RegistryException(
              Code.INVALID,
              "tried to push "
                  + blob.digest()
                  + " but its content has "
                  + state.received
                  + " bytes, not "
                  + blob.size()
                  + "; the local copy is broken");
        }
        state = chunk(state, chunk);
      }
    }
    Request finish =
        requests
            .make("PUT", withDigest(state.location, blob.digest()))
            .body(HttpCall.Body.of("application/octet-stream", new byte[0]))
            .expecting(201, 204);
    requester.callOnce(finish, HttpReply::status);
  }

  static int chunkSize(int usual, long least, Descriptor blob) throws RegistryException {
    if (Math.min(least, blob.size()) > LARGEST_CHUNK) {
      throw new RegistryException(
          Code.UNSUPPORTED,
          "tried to push "
              + blob.digest()
              + " but the registry wants chunks of "
              + least
              + " bytes and no more than "
              + LARGEST_CHUNK
              + " are kept in memory; lower what it asks for (OCI-Chunk-Min-Length)");
    }
    return (int) Math.max(usual, Math.min(least, LARGEST_CHUNK));
  }

  private static InputStream open(BlobSource content) throws IOException {
    try {
      return content.open();
    } catch (IOException e) {
      throw HttpTransport.SourceFailure.of(e);
    }
  }

  private static byte[] read(InputStream in, int length) throws IOException {
    try {
      return in.readNBytes(length);
    } catch (IOException e) {
      throw HttpTransport.SourceFailure.of(e);
    }
  }

  /** Sends one chunk; after a 416 the registry is asked what it has, and the rest is sent. */
  private State chunk(State before, byte[] chunk) throws IOException {
    long end = before.received + chunk.length;
    State state = before;
    for (int tries = 0; state.received < end; tries++) {
      if (tries > 3) {
        throw new RegistryException(
            Code.UNAVAILABLE,
            "tried to push a chunk that ends at byte "
                + end
                + " but the registry has only "
                + state.received
                + "; try again later");
      }
      state = patch(state, chunk, (int) (state.received - before.received));
      if (state.received < before.received || state.received > end) {
        throw new RegistryException(
            Code.INVALID,
            "tried to push a chunk from byte "
                + before.received
                + " but the registry says it has "
                + state.received
                + "; it mixes up uploads");
      }
    }
    return state;
  }

  private State patch(State state, byte[] chunk, int skip) throws IOException {
    long first = state.received;
    long last = first + chunk.length - skip - 1;
    byte[] rest = skip == 0 ? chunk : Arrays.copyOfRange(chunk, skip, chunk.length);
    Request request =
        requests
            .make("PATCH", state.location)
            .headers(Map.of("Content-Range", first + "-" + last))
            .body(HttpCall.Body.of("application/octet-stream", rest))
            .lane(Lane.UPLOAD)
            .expecting(202, 416);
    State after =
        requester.callOnce(
            request,
            reply ->
                reply.status() == 416
                    ? state
                    : new State(next.after(reply), received(reply, last + 1)));
    return after == state ? status(state) : after;
  }

  private State status(State state) throws IOException {
    Request request = requests.make("GET", state.location).expecting(204);
    return requester.callOnce(
        request,
        reply ->
            new State(
                reply.header("Location").isPresent() ? next.after(reply) : state.location,
                received(reply, 0)));
  }

  private static long received(HttpReply reply, long otherwise) {
    Matcher range = RANGE.matcher(reply.header("Range").orElse(""));
    return range.matches() ? Long.parseLong(range.group(1)) + 1 : otherwise;
  }

  /** A Location may have a query of its own, which the registry needs back. */
  static URI withDigest(URI location, Digest digest) {
    String text = location.toString();
    return URI.create(text + (text.indexOf('?') < 0 ? "?" : "&") + "digest=" + digest);
  }
}
