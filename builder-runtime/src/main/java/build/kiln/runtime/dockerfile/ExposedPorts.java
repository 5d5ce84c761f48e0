package build.kiln.runtime.dockerfile;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code [[ip:]hostport:]port[-port][/protocol]}. Address and host port are read for the sake of
 * old files and mean nothing.
 */
final class ExposedPorts {
  private static final Set<String> PROTOCOLS = Set.of("tcp", "udp", "sctp");
  private static final Pattern ADDRESS =
      Pattern.compile(
          "|[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|\\[?[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,7}(?:[0-9.]*)]?");
  private static final int HIGHEST = 65_535;

  private record PortRange(int first, int last) {}

  /** The ports, as {@code port/protocol}. */
  static Stream<Word> parse(Word spec) {
    String text = spec.text();
    int colon = text.lastIndexOf(':');
    String container = text.substring(colon + 1);
    int slash = container.indexOf('/');
    String numbers = slash < 0 ? container : container.substring(0, slash);
    String protocol = protocol(spec, slash < 0 ? "" : container.substring(slash + 1));
    PortRange ports = range(spec, numbers);
    if (colon >= 0) {
      checkHost(spec, text.substring(0, colon), ports);
    }
    return IntStream.rangeClosed(ports.first, ports.last)
        .mapToObj(port -> spec.withText(port + "/" + protocol));
  }

  private static String protocol(Word spec, String text) {
    String protocol = text.isEmpty() ? "tcp" : text.toLowerCase(Locale.ROOT);
    if (!PROTOCOLS.contains(protocol)) {
      throw bad(spec, "unknown protocol " + text, "it is tcp, udp or sctp");
    }
    return protocol;
  }

  private static void checkHost(Word spec, String host, PortRange ports) {
    int colon = host.lastIndexOf(':');
    String address = colon < 0 ? "" : host.substring(0, colon);
    String numbers = host.substring(colon + 1);
    if (!ADDRESS.matcher(address).matches()) {
      throw bad(spec, "no address: " + address, null);
    }
    if (!numbers.isEmpty()) {
      PortRange hostPorts = range(spec, numbers);
      boolean same = hostPorts.last - hostPorts.first == ports.last - ports.first;
      if (!same && ports.first != ports.last) {
        throw bad(spec, "the two port ranges differ in length", null);
      }
    }
  }

  private static PortRange range(Word spec, String numbers) {
    int dash = numbers.indexOf('-');
    int first = port(spec, dash < 0 ? numbers : numbers.substring(0, dash));
    int last = dash < 0 ? first : port(spec, numbers.substring(dash + 1));
    if (last < first) {
      throw bad(spec, "the range's end is before its start", null);
    }
    return new PortRange(first, last);
  }

  private static int port(Word spec, String digits) {
    if (digits.matches("[0-9]{1,9}") && Integer.parseInt(digits) <= HIGHEST) {
      return Integer.parseInt(digits);
    }
    throw bad(
        spec,
        digits.isEmpty() ? "a port number is missing" : "no port number: " + digits,
        "a number up to " + HIGHEST);
  }

  private static DockerfileException bad(Word spec, String message, @Nullable String hint) {
    return new DockerfileException(
        Problem.Code.EXPANSION, spec.range(), "invalid port \"" + spec + "\": " + message, hint);
  }

  private ExposedPorts() {}
}
