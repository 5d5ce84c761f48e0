package build.kiln.runtime.registry;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** URLs and times as servers send them. */
final class Urls {
  private static final int MOST_PORT = 65_535;

  /** RFC 9110, 5.6.7: the form of today and the two obsolete ones. */
  private static final List<DateTimeFormatter> TIMES =
      List.of(
          DateTimeFormatter.ofPattern("EEE, d MMM uuuu HH:mm:ss 'GMT'", Locale.US),
          new DateTimeFormatterBuilder()
              .appendPattern("EEEE, dd-MMM-")
              .appendValueReduced(ChronoField.YEAR, 2, 2, 1969)
              .appendPattern(" HH:mm:ss 'GMT'")
              .toFormatter(Locale.US),
          DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss uuuu", Locale.US));

  /** Object stores sign URLs with characters that strict parsers refuse; those are escaped. */
  static String escaped(String text) {
    if (isPlain(text)) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    for (byte b : text.strip().getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if (!isPlain(c)) {
        out.append(String.format("%%%02X", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (!isPlain(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(char c) {
    return c > ' ' && c < 0x7f && "\"<>\\^`{|}".indexOf(c) < 0;
  }

  /** Whether it is one of HTTP that can be connected to. */
  static boolean isHttp(URI uri) {
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    return uri.getHost() != null
        && uri.getPort() <= MOST_PORT
        && (scheme.equals("http") || scheme.equals("https"));
  }

  static boolean leavesTls(URI from, URI to) {
    return from.getScheme().equalsIgnoreCase("https") && to.getScheme().equalsIgnoreCase("http");
  }

  /** Seconds since the epoch; empty if that is no HTTP date. */
  static OptionalLong time(String text) {
    for (DateTimeFormatter form : TIMES) {
      try {
        return OptionalLong.of(LocalDateTime.parse(text, form).toEpochSecond(ZoneOffset.UTC));
      } catch (DateTimeException e) {
        // Another form, perhaps.
      }
    }
    return OptionalLong.empty();
  }

  private Urls() {}
}
