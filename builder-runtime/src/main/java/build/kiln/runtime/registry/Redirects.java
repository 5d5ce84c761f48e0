package build.kiln.runtime.registry;

import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import java.util.Set;

/**
 * Sends a request and follows where the answer leads, by hand: each hop's address is checked and
 * credentials stay with the origin they are for (object stores refuse a signed URL that also has an
 * Authorization header). A manifest is written and deleted at its registry only: what another host
 * answers says nothing of the tag that people pull.
 */
final class Redirects {
  private static final int LIMIT = 10;
  private static final Set<Integer> ANY_METHOD = Set.of(307, 308);
  private static final Set<Integer> READS_ONLY = Set.of(301, 302, 303);

  private final HttpTransport transport;

  Redirects(HttpTransport transport) {
    this.transport = transport;
  }

  HttpReply send(HttpCall call, Site site) throws IOException {
    return send(call, site, false);
  }

  /**
   * Sends.
   *
   * @param stays whether an answer of another server than the one that was asked is none
   */
  HttpReply send(HttpCall call, Site site, boolean stays) throws IOException {
    HttpCall current = call;
    for (int hop = 0; hop <= LIMIT; hop++) {
      HttpReply reply = transport.send(current, site.reachOf(current.uri()));
      Optional<String> location = reply.header("Location");
      if (location.isEmpty() || !follows(call.method(), reply.status())) {
        return reply;
      }
      try (reply) {
        URI target = site.accept(current.uri(), location.get(), "redirect");
        if (stays && !sameServer(call.uri(), target)) {
          throw new RegistryException(
              Code.INVALID,
              "tried to %s a manifest at %s, which leads to %s: only the registry itself can answer for that; check its external address, or use that of %s"
                  .formatted(
                      call.method().equals("PUT") ? "push" : "delete",
                      site.label(),
                      target.getAuthority(),
                      target.getAuthority()));
        }
        current = current.to(target);
      }
    }
    throw new RegistryException(
        Code.INVALID,
        "tried to follow redirects of "
            + site.label()
            + " but there are more than "
            + LIMIT
            + "; check its external address");
  }

  /** By the same name and port, or by TLS instead of plain HTTP. */
  private static boolean sameServer(URI asked, URI target) {
    boolean toTls = "http".equals(asked.getScheme()) && "https".equals(target.getScheme());
    return target.getHost().equalsIgnoreCase(asked.getHost())
        && (toTls || target.getPort() == asked.getPort());
  }

  private static boolean follows(String method, int status) {
    boolean reads = method.equals("GET") || method.equals("HEAD");
    return ANY_METHOD.contains(status) || (reads && READS_ONLY.contains(status));
  }
}
