package build.kiln.runtime.registry;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Locale;

/**
 * How far a request may go. A registry's own address is what the user wrote and may be anything;
 * where an answer sends us (token realm, redirect, upload location) is a stranger's wish: never to
 * link-local and metadata addresses, and from a public registry never into a private network.
 */
enum Reach {
  /** The registry the user named. */
  REGISTRY,
  /** Where a private registry sent us. */
  NOT_LINK_LOCAL,
  /** Where a public registry sent us. */
  PUBLIC_ONLY;

  /** What a registry asked for and must not have. */
  static final class Refused extends UnknownHostException {
    Refused(String message) {
      super(message);
    }
  }

  /**
   * Looks at what can be seen without DNS; names are looked at when they are resolved, by {@link
   * #check(String, InetAddress)}.
   */
  void checkLiteral(URI uri) throws Refused {
    if (this == REGISTRY) {
      return;
    }
    String host = uri.getHost().toLowerCase(Locale.ROOT);
    if (Addresses.isMetadataName(host)) {
      throw new Refused(host + " is a cloud's metadata service");
    }
    var literal = Addresses.literal(host);
    if (literal.isPresent()) {
      check(host, literal.get());
    }
  }

  void check(String host, InetAddress address) throws Refused {
    switch (this) {
      case REGISTRY -> {}
      case NOT_LINK_LOCAL -> {
        if (Addresses.isLinkLocal(address)) {
          throw new Refused(host + " is a link-local or metadata address");
        }
      }
      case PUBLIC_ONLY -> {
        if (Addresses.isPrivate(address)) {
          throw new Refused(host + " is a private address and the registry is a public one");
        }
      }
    }
  }
}
