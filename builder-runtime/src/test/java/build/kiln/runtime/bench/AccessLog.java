package build.kiln.runtime.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a registry wrote of its requests, in Apache's combined format.
 *
 * @param requests answered, of any status
 * @param blobsSent PUT of uploads that stored a blob
 * @param bytes of all answers' bodies
 */
record AccessLog(long requests, long blobsSent, long bytes) {
  static final AccessLog EMPTY = new AccessLog(0, 0, 0);

  private static final Pattern LINE =
      Pattern.compile(".*\"([A-Z]+) (/v2/\\S*) HTTP/1\\.1\" (\\d{3}) (\\d+) .*");

  private static final Pattern UPLOAD = Pattern.compile(".*/blobs/uploads/.*");

  /** Reads it; other lines are passed by. */
  static AccessLog read(Path file) throws IOException {
    try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
      return lines
          .map(LINE::matcher)
          .filter(Matcher::matches)
          .map(AccessLog::of)
          .reduce(EMPTY, AccessLog::plus);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static AccessLog of(Matcher line) {
    boolean sent =
        line.group(1).equals("PUT")
            && UPLOAD.matcher(line.group(2)).matches()
            && line.group(3).equals("201");
    // What is written as the body of an answer to HEAD is never sent.
    long bytes = line.group(1).equals("HEAD") ? 0 : Long.parseLong(line.group(4));
    return new AccessLog(1, sent ? 1 : 0, bytes);
  }

  AccessLog plus(AccessLog other) {
    return new AccessLog(
        requests + other.requests, blobsSent + other.blobsSent, bytes + other.bytes);
  }

  AccessLog minus(AccessLog other) {
    return new AccessLog(
        requests - other.requests, blobsSent - other.blobsSent, bytes - other.bytes);
  }
}
