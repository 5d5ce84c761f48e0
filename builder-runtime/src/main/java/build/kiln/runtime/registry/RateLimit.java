package build.kiln.runtime.registry;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a registry says of its limits beside {@code Retry-After}: the headers of
 * draft-ietf-httpapi-ratelimit-headers, the older ones of which Docker Hub sends.
 */
final class RateLimit {
  private static final Pattern SECONDS = Pattern.compile("(\\d{1,9})(?:\\s*;.*)?");
  private static final Pattern RESET = Pattern.compile(".*;\\s*t=(\\d{1,9})(?:[;,].*)?");
  private static final Pattern LIMIT =
      Pattern.compile("(\\d{1,9})\\s*;\\s*w=(\\d{1,9})(?:[;,].*)?");

  /** How long until requests are taken again, if the answer says it. */
  static Optional<Duration> reset(HttpReply reply) {
    return number(SECONDS, reply.header("RateLimit-Reset"))
        .or(() -> number(RESET, reply.header("RateLimit")))
        .map(Duration::ofSeconds);
  }

  private static Optional<Long> number(Pattern pattern, Optional<String> header) {
    return header
        .map(pattern::matcher)
        .filter(Matcher::matches)
        .map(matcher -> Long.parseLong(matcher.group(1)));
  }

  /** The limit in words, or nothing: {@code , limit 100 in 6 h}. */
  static String note(HttpReply reply) {
    Matcher limit = LIMIT.matcher(reply.header("RateLimit-Limit").orElse(""));
    if (!limit.matches()) {
      return "";
    }
    long seconds = Long.parseLong(limit.group(2));
    String window = seconds % 3600 == 0 ? seconds / 3600 + " h" : seconds + " s";
    return ", limit " + limit.group(1) + " in " + window;
  }

  private RateLimit() {}
}
