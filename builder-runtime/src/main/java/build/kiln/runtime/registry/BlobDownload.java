package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobStream.Part;
import build.kiln.runtime.registry.HostLimit.Lane;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.Requester.Request;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** GET of a blob, from its start or from a byte on (distribution-spec 1.1, end-2). */
final class BlobDownload {
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/.*");

  private final Requester requester;

  BlobDownload(Requester requester) {
    this.requester = requester;
  }

  /** One try. */
  Part open(Endpoint endpoint, Reference repository, Descriptor blob, long from)
      throws IOException {
    String doing = doing(repository, blob);
    Request request =
        Request.of(
                doing,
                endpoint,
                repository,
                "GET",
                "/v2/"
                    + endpoint.repository(repository).repository()
                    + "/blobs/"
                    + blob.digest()
                    + endpoint.query())
            .lane(Lane.DOWNLOAD)
            .expecting(200, 206);
    if (from > 0) {
      request = request.headers(Map.of("Range", "bytes=" + from + "-"));
    }
    HttpReply reply = requester.open(request);
    boolean good = false;
    try {
      InputStream body = positioned(doing, endpoint, reply, blob, from);
      good = true;
      return new Part(body, reply, endpoint);
    } catch (IOException e) {
      throw Failures.of(doing, endpoint.authority(), e);
    } finally {
      if (!good) {
        reply.close();
      }
    }
  }

  private static InputStream positioned(
      String doing, Endpoint endpoint, HttpReply reply, Descriptor blob, long from)
      throws IOException {
    long start = reply.status() == 206 ? rangeStart(reply) : 0;
    OptionalLong length = reply.contentLength();
    if (length.isPresent() && length.getAsLong() != blob.size() - start) {
      throw new RegistryException(
          Code.INVALID,
          "tried to "
              + doing
              + " on "
              + endpoint.authority()
              + " but it has "
              + (start + length.getAsLong())
              + " bytes, not "
              + blob.size()
              + "; the manifest or the registry's copy is damaged");
    }
    if (start > from) {
      throw new IOException("it answers with the bytes from " + start + ", not from " + from);
    }
    InputStream body = reply.body();
    try {
      // A server without ranges sends all of it again; what was handed out is not hashed twice.
      body.skipNBytes(from - start);
    } catch (EOFException e) {
      throw new IOException("it ended too early", e);
    }
    return body;
  }

  private static long rangeStart(HttpReply reply) {
    Matcher range = CONTENT_RANGE.matcher(reply.header("Content-Range").orElse(""));
    return range.matches() ? Long.parseLong(range.group(1)) : Long.MAX_VALUE / 2;
  }

  static String doing(Reference repository, Descriptor blob) {
    return "get the blob " + blob.digest() + " of " + repository.name();
  }
}
