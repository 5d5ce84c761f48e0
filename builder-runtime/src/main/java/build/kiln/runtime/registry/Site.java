package build.kiln.runtime.registry;

import build.kiln.runtime.registry.RegistryException.Code;
import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * An endpoint whose scheme is known: where its API is, and where its answers may send us.
 *
 * @param base scheme and authority, without a path
 * @param origin that of the base
 * @param isPublic whether its address is one of the public Internet
 */
record Site(Endpoint endpoint, URI base, Origin origin, boolean isPublic) {
  URI resolve(String path) {
    return URI.create(base + path);
  }

  boolean owns(URI uri) {
    return origin.equals(Origin.of(uri));
  }

  Reach reachOf(URI uri) {
    if (owns(uri)) {
      return Reach.REGISTRY;
    }
    return isPublic ? Reach.PUBLIC_ONLY : Reach.NOT_LINK_LOCAL;
  }

  /**
   * Where an answer sends us: a {@code Location}, a token realm, a {@code Link}.
   *
   * @param from what was answered; relative targets start there
   * @param what what sends us, for the message
   * @throws RegistryException if that is no HTTP URL, or plain HTTP from a registry on TLS
   */
  URI accept(URI from, String target, String what) throws RegistryException {
    URI uri;
    try {
      uri = from.resolve(new URI(Urls.escaped(target)));
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw refused(what, "it is not a URL");
    }
    if (!Urls.isHttp(uri)) {
      throw refused(what, "it is not an http or https URL");
    }
    if (uri.getRawUserInfo() != null) {
      throw refused(what, "it has a user name in it");
    }
    if (Urls.leavesTls(base, uri)) {
      return upgraded(uri, what);
    }
    return uri;
  }

  /**
   * A registry behind a proxy that ends TLS often thinks it speaks plain HTTP: its own host is
   * meant, as we know it. Any other host without TLS is refused.
   */
  private URI upgraded(URI uri, String what) throws RegistryException {
    Origin wanted = Origin.of(uri);
    if (wanted.host().equals(origin.host())
        && (wanted.port() == 80 || wanted.port() == origin.port())) {
      String query = uri.getRawQuery();
      return URI.create(base + uri.getRawPath() + (query == null ? "" : "?" + query));
    }
    if (endpoint.insecure()) {
      return uri;
    }
    throw refused(what, "it leads from TLS to plain HTTP at " + uri.getHost());
  }

  private RegistryException refused(String what, String why) {
    return new RegistryException(
        Code.INVALID,
        "tried to follow the "
            + what
            + " of "
            + endpoint.authority()
            + " but "
            + why
            + "; the registry's external address is configured wrongly");
  }

  /** The authority, and for a mirror of what. */
  String label() {
    @Nullable String upstream = endpoint.mirrorOf();
    return upstream == null
        ? endpoint.authority()
        : endpoint.authority() + " (mirror of " + upstream + ")";
  }
}
