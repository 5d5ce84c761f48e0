package build.kiln.runtime.registry;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What kind of network an address belongs to. */
final class Addresses {
  private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(?:\\.[0-9]{1,3}){3}");

  /** Clouds' metadata services that are not link-local. */
  private static final Set<String> METADATA =
      Set.of("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2:0:0:0:0:0:254");

  private static final Set<String> METADATA_NAMES =
      Set.of("metadata", "metadata.google.internal", "instance-data");

  /** The address, if the host is one and not a name; never asks DNS. */
  static Optional<InetAddress> literal(String host) {
    String bare =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    if (!IPV4.matcher(bare).matches() && bare.indexOf(':') < 0) {
      return Optional.empty();
    }
    try {
      return Optional.of(InetAddress.ofLiteral(bare));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  static boolean isLoopbackName(String host) {
    return host.equals("localhost")
        || host.endsWith(".localhost")
        || literal(host).map(InetAddress::isLoopbackAddress).orElse(false);
  }

  static boolean isMetadataName(String host) {
    return METADATA_NAMES.contains(host);
  }

  /** Link-local, or where a cloud tells machines their secrets: no registry sends us there. */
  static boolean isLinkLocal(InetAddress address) {
    return address.isLinkLocalAddress()
        || address.isMulticastAddress()
        || METADATA.contains(address.getHostAddress());
  }

  /** Not of the public Internet: loopback, RFC 1918, RFC 6598, unique local IPv6, unspecified. */
  static boolean isPrivate(InetAddress address) {
    return isLinkLocal(address)
        || address.isLoopbackAddress()
        || address.isSiteLocalAddress()
        || address.isAnyLocalAddress()
        || inBlock(address, "100.64.0.0/10")
        || inBlock(address, "0.0.0.0/8")
        || (address instanceof Inet6Address && (address.getAddress()[0] & 0xfe) == 0xfc);
  }

  /** Whether the address is in a CIDR block; false if the block is not one. */
  static boolean inBlock(InetAddress address, String block) {
    int slash = block.indexOf('/');
    Optional<InetAddress> base = literal(block.substring(0, slash));
    String bitsText = block.substring(slash + 1);
    if (base.isEmpty() || !bitsText.matches("[0-9]{1,3}")) {
      return false;
    }
    byte[] a = address.getAddress();
    byte[] b = base.get().getAddress();
    int bits = Integer.parseInt(bitsText);
    if (a.length != b.length || bits > a.length * 8) {
      return false;
    }
    for (int i = 0; i < bits; i++) {
      int mask = 0x80 >> (i % 8);
      if ((a[i / 8] & mask) != (b[i / 8] & mask)) {
        return false;
      }
    }
    return true;
  }

  /** Whether a place is one of the public Internet; names behind a proxy are taken for such. */
  static boolean isPublic(Origin origin, ProxySettings proxies) {
    boolean proxied = proxies.forTarget(origin.scheme(), origin.host(), origin.port()).isPresent();
    return literal(origin.host())
        .map(address -> !isPrivate(address))
        .orElseGet(() -> proxied || isPublicHost(origin.host()));
  }

  /** Whether all that a name means now is public; a name that means nothing is. */
  static boolean isPublicHost(String host) {
    try {
      for (InetAddress address : InetAddress.getAllByName(host)) {
        if (isPrivate(address)) {
          return false;
        }
      }
    } catch (UnknownHostException e) {
      return true;
    }
    return true;
  }

  private Addresses() {}
}
