package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code /v2/<name>/blobs/<digest>}: HEAD, GET with one range, DELETE. */
final class BlobRoutes {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

  private final Blobs blobs;
  private final Contents contents;

  BlobRoutes(Blobs blobs, Contents contents) {
    this.blobs = blobs;
    this.contents = contents;
  }

  void handle(Exchange exchange, String repository, String reference) throws IOException, ApiError {
    Digest digest = Exchange.digest(reference);
    switch (exchange.method()) {
      case "GET", "HEAD" -> get(exchange, repository, digest);
      case "DELETE" -> {
        if (!contents.unlink(repository, digest)) {
          throw unknown(digest);
        }
        exchange.answer(202);
      }
      default -> throw new ApiError(405, "UNSUPPORTED", "not a method of blobs");
    }
  }

  private static ApiError unknown(Digest digest) {
    return new ApiError(404, "BLOB_UNKNOWN", "blob unknown to registry: " + digest);
  }

  private void get(Exchange exchange, String repository, Digest digest)
      throws IOException, ApiError {
    Blobs.Stored blob = blobs.find(digest).orElseThrow(() -> unknown(digest));
    if (!contents.hasBlob(repository, digest)) {
      throw unknown(digest);
    }
    exchange
        .set("Docker-Content-Digest", digest.toString())
        .set("Content-Type", "application/octet-stream")
        .set("Accept-Ranges", "bytes")
        .set("ETag", "\"" + digest + "\"");
    long size = blob.size();
    Matcher range = RANGE.matcher(exchange.header("Range").orElse(""));
    if (!range.matches() || exchange.isHead()) {
      send(exchange, blob, 200, 0, size);
      return;
    }
    boolean suffix = range.group(1).isEmpty();
    long last = range.group(2).isEmpty() ? size - 1 : Long.parseLong(range.group(2));
    long first = suffix ? Math.max(0, size - last) : Long.parseLong(range.group(1));
    last = suffix ? size - 1 : Math.min(last, size - 1);
    if (first > last) {
      throw new ApiError(
          416, "RANGE_INVALID", "no such range", Map.of("Content-Range", "bytes */" + size));
    }
    exchange.set("Content-Range", "bytes " + first + "-" + last + "/" + size);
    send(exchange, blob, 206, first, last - first + 1);
  }

  private static void send(Exchange exchange, Blobs.Stored blob, int status, long from, long length)
      throws IOException {
    try (OutputStream out = exchange.answer(status, length);
        InputStream in = exchange.isHead() ? InputStream.nullInputStream() : blob.open(from)) {
      byte[] buffer = new byte[1 << 17];
      long left = length;
      while (left > 0) {
        int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          break;
        }
        out.write(buffer, 0, n);
        left -= n;
      }
    }
  }
}
