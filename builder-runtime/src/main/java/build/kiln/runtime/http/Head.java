package build.kiln.runtime.http;

import java.net.ProtocolException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The head of an answer: its status and its header lines (RFC 9112, 4 and 5). */
final class Head {
  private static final Duration KEEP = Duration.ofMinutes(3);
  private static final String TRANSFER_ENCODING = "Transfer-Encoding";
  private static final String CONTENT_LENGTH = "Content-Length";
  private static final String TIMEOUT = "timeout=";
  private static final int MOST_DIGITS = 18;
  private static final int SHOWN = 80;

  private final int status;
  private final boolean keepsByDefault;
  private final List<String> names = new ArrayList<>();
  private final List<String> values = new ArrayList<>();

  private Head(int status, boolean keepsByDefault) {
    this.status = status;
    this.keepsByDefault = keepsByDefault;
  }

  /**
   * Reads the lines of a head.
   *
   * @param lines without their ends, the empty last one left out
   * @throws ProtocolException if it is none of HTTP/1
   */
  static Head parse(List<String> lines) throws ProtocolException {
    String first = lines.getFirst();
    // "HTTP/1.1 200 OK", where the reason may be missing.
    boolean fits =
        first.length() >= 12
            && first.startsWith("HTTP/1.")
            && number(first, 7, 8) >= 0
            && first.charAt(8) == ' '
            && (first.length() == 12 || first.charAt(12) == ' ');
    int status = fits ? (int) number(first, 9, 12) : -1;
    if (status < 100) {
      throw new ProtocolException("it does not speak HTTP/1.1, but answered " + shown(first));
    }
    Head head = new Head(status, first.charAt(7) != '0');
    for (String line : lines.subList(1, lines.size())) {
      head.add(line);
    }
    return head;
  }

  /** The digits of a text's part; -1 if there are others. */
  private static long number(String text, int from, int to) {
    long number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = 10 * number + digit;
    }
    return number;
  }

  private void add(String line) throws ProtocolException {
    char start = line.charAt(0);
    if (start == ' ' || start == '\t') {
      // A line that goes on, which servers must not send any more (RFC 9112, 5.2).
      if (values.isEmpty()) {
        throw new ProtocolException("its answer begins with a header that goes on");
      }
      values.add(values.removeLast() + " " + line.strip());
      return;
    }
    int colon = line.indexOf(':');
    String name = line.substring(0, Math.max(0, colon));
    boolean fits = colon > 0 && name.indexOf(' ') < 0 && name.indexOf('\t') < 0;
    if (!fits || line.indexOf('\r') >= 0) {
      throw new ProtocolException("its answer has a line that is no header: " + shown(line));
    }
    names.add(name);
    values.add(line.substring(colon + 1).strip());
  }

  /** A stranger's text, fit for a message. */
  private static String shown(String text) {
    String start = text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    return '"' + start.replaceAll("[^ -~]", "?") + '"';
  }

  int status() {
    return status;
  }

  /** The first line of that name. */
  @Nullable String first(String name) {
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).equalsIgnoreCase(name)) {
        return values.get(i);
      }
    }
    return null;
  }

  /** All lines of that name, in their order. */
  List<String> all(String name) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).equalsIgnoreCase(name)) {
        all.add(values.get(i));
      }
    }
    return all;
  }

  /** How long the connection may be kept for another exchange; zero for not (RFC 9112, 9.3). */
  Duration keepFor() {
    if (first(TRANSFER_ENCODING) != null && first(CONTENT_LENGTH) != null) {
      // Somebody on the way may have gone by the other one (RFC 9112, 6.3).
      return Duration.ZERO;
    }
    boolean keeps = keepsByDefault;
    for (String line : all("Connection")) {
      for (String option : line.split(",", -1)) {
        if (option.strip().equalsIgnoreCase("close")) {
          return Duration.ZERO;
        }
        keeps |= option.strip().equalsIgnoreCase("keep-alive");
      }
    }
    if (!keeps) {
      return Duration.ZERO;
    }
    // "timeout=5, max=100", which servers tell though no standard has it any more.
    for (String line : all("Keep-Alive")) {
      for (String option : line.split(",", -1)) {
        String text = option.strip();
        boolean fits = text.startsWith(TIMEOUT) && text.length() < TIMEOUT.length() + MOST_DIGITS;
        long seconds = fits ? number(text, TIMEOUT.length(), text.length()) : -1;
        if (seconds >= 0 && seconds < KEEP.toSeconds()) {
          return Duration.ofSeconds(seconds);
        }
      }
    }
    return KEEP;
  }

  /** Whether the body is in chunks. */
  boolean isChunked() throws ProtocolException {
    List<String> codings = all(TRANSFER_ENCODING);
    if (codings.isEmpty()) {
      return false;
    }
    if (codings.size() > 1 || !codings.getFirst().equalsIgnoreCase("chunked")) {
      throw new ProtocolException(
          "its answer has the transfer coding "
              + shown(String.join(", ", codings))
              + ", which nobody asked for");
    }
    return true;
  }

  /** The body's length in bytes; -1 if that is not said, or the body is in chunks all the same. */
  long contentLength() throws ProtocolException {
    long length = -1;
    if (first(TRANSFER_ENCODING) != null) {
      return length;
    }
    for (String line : all(CONTENT_LENGTH)) {
      for (String text : line.split(",", -1)) {
        String digits = text.strip();
        boolean fits = !digits.isEmpty() && digits.length() <= MOST_DIGITS;
        long next = fits ? number(digits, 0, digits.length()) : -1;
        if (next < 0 || (length >= 0 && length != next)) {
          throw new ProtocolException("its answer has the Content-Length " + shown(line));
        }
        length = next;
      }
    }
    return length;
  }
}
