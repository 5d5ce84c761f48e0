package build.kiln.runtime.registry;

import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import java.util.Set;

/**
 * Sends a request and follows where the answer leads, by hand: each hop's address is checked and
 * credentials stay with the origin they are for (object stores refuse a signed URL that also has an
 * Authorization header).
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
    HttpCall current = call;
    for (int hop = 0; hop <= LIMIT; hop++) {
      HttpReply reply = transport.send(current, site.reachOf(current.uri()));
      Optional<String> location = reply.header("Location");
      if (location.isEmpty() || !follows(call.method(), reply.status())) {
        return reply;
      }
      try (reply) {
        URI target = site.accept(current.uri(), location.get(), "redirect");
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

  private static boolean follows(String method, int status) {
    boolean reads = method.equals("GET") || method.equals("HEAD");
    return ANY_METHOD.contains(status) || (reads && READS_ONLY.contains(status));
  }
}
