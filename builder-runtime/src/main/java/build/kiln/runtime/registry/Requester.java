package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Authenticator.Shown;
import build.kiln.runtime.registry.Failures.Proof;
import build.kiln.runtime.registry.HostLimit.Lane;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Sends a registry's requests by all the rules: the limit of its host, credentials and the answer
 * to a 401, redirects, retries.
 */
final class Requester {
  /** A refused token that is fresh is replaced once: token servers and registries may lag. */
  private static final int FRESH_TOKENS = 2;

  /**
   * One request of the distribution API.
   *
   * @param doing what is being tried, after "tried to"
   * @param repository as the endpoint knows it; whose credentials are used
   * @param target path with query on the endpoint, or a whole URL that an answer gave
   * @param expected statuses that are an answer and not a failure
   * @param stays whether only the registry itself can answer, and no host that it leads to
   */
  record Request(
      String doing,
      Endpoint endpoint,
      Reference repository,
      String method,
      String target,
      Map<String, String> headers,
      HttpCall.@Nullable Body body,
      List<Scope> scopes,
      Lane lane,
      Set<Integer> expected,
      @Nullable Duration silence,
      boolean stays) {

    static Request of(
        String doing, Endpoint endpoint, Reference repository, String method, String target) {
      Reference there = endpoint.repository(repository);
      return new Request(
          doing,
          endpoint,
          there,
          method,
          target,
          Map.of(),
          null,
          List.of(Scope.pull(there)),
          Lane.SMALL,
          Set.of(200),
          null,
          false);
    }

    Request headers(Map<String, String> more) {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          more,
          body,
          scopes,
          lane,
          expected,
          silence,
          stays);
    }

    Request body(HttpCall.Body content) {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          headers,
          content,
          scopes,
          lane,
          expected,
          silence,
          stays);
    }

    Request scopes(List<Scope> wanted) {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          headers,
          body,
          wanted,
          lane,
          expected,
          silence,
          stays);
    }

    Request lane(Lane other) {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          headers,
          body,
          scopes,
          other,
          expected,
          silence,
          stays);
    }

    Request expecting(Integer... statuses) {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          headers,
          body,
          scopes,
          lane,
          Set.of(statuses),
          silence,
          stays);
    }

    Request silence(Duration wait) {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          headers,
          body,
          scopes,
          lane,
          expected,
          wait,
          stays);
    }

    Request staying() {
      return new Request(
          doing,
          endpoint,
          repository,
          method,
          target,
          headers,
          body,
          scopes,
          lane,
          expected,
          silence,
          true);
    }
  }

  /** Reads an answer while its connection is held; what it throws may be retried. */
  interface Reader<T> {
    T read(HttpReply reply) throws IOException;
  }

  /** An answer, and what was shown to get it. */
  private record Outcome(HttpReply reply, Proof proof, Redaction shown) {}

  private record ScopeKey(Origin origin, List<Scope> scopes) {}

  private final Sites sites;
  private final Redirects redirects;
  private final Authenticator authenticator;
  private final Retries retries;
  private final Clock clock;
  private final int transfersPerHost;
  private final Map<String, HostLimit> limits = new ConcurrentHashMap<>();
  private final Map<ScopeKey, List<Scope>> learntScopes = new ConcurrentHashMap<>();

  Requester(
      Sites sites,
      Redirects redirects,
      Authenticator authenticator,
      Retries retries,
      Clock clock,
      int transfersPerHost) {
    this.sites = sites;
    this.redirects = redirects;
    this.authenticator = authenticator;
    this.retries = retries;
    this.clock = clock;
    this.transfersPerHost = transfersPerHost;
  }

  Retries retries() {
    return retries;
  }

  Clock clock() {
    return clock;
  }

  /** Sends, reads the answer and gives the connection back. Mirrors get one try: others follow. */
  <T> T call(Request request, Reader<T> reader) throws IOException {
    return call(request, RegistryException::retryable, reader);
  }

  /**
   * The same.
   *
   * @param passing which failures a later try may cure
   */
  <T> T call(Request request, Predicate<RegistryException> passing, Reader<T> reader)
      throws IOException {
    int attempts = request.endpoint().isMirror() ? 1 : retries.attempts();
    return retries.run(request.doing(), attempts, passing, () -> callOnce(request, reader));
  }

  /** One try of {@link #call}. */
  <T> T callOnce(Request request, Reader<T> reader) throws IOException {
    try (HttpReply reply = open(request)) {
      return reader.read(reply);
    } catch (IOException e) {
      throw Failures.of(request.doing(), place(request), e);
    }
  }

  /**
   * One try; the caller closes the answer, which holds its place in the host's limit until then.
   */
  HttpReply open(Request request) throws IOException {
    HostLimit limit =
        limits.computeIfAbsent(
            request.endpoint().authority(), ignored -> new HostLimit(transfersPerHost));
    try {
      limit.acquire(request.lane());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted(request.doing(), e);
    }
    boolean handedOver = false;
    try {
      HttpReply reply = answered(request, limit);
      reply.onClose(() -> limit.release(request.lane()));
      handedOver = true;
      return reply;
    } catch (IOException e) {
      IOException failure = Failures.of(request.doing(), place(request), e);
      if (failure instanceof RegistryException r && r.retryable() && r.status() == 0) {
        sites.passOver(request.endpoint());
      }
      throw failure;
    } finally {
      if (!handedOver) {
        limit.release(request.lane());
      }
    }
  }

  private HttpReply answered(Request request, HostLimit limit) throws IOException {
    Site site = sites.site(request.endpoint());
    Outcome outcome = authenticated(site, request);
    HttpReply reply = outcome.reply();
    limit.answered(reply.status());
    if (request.expected().contains(reply.status())) {
      return reply;
    }
    try (reply) {
      throw Failures.of(
          request.doing(), site.label(), reply, outcome.proof(), outcome.shown(), clock);
    }
  }

  private Outcome authenticated(Site site, Request request) throws IOException {
    URI uri =
        request.target().startsWith("/")
            ? site.resolve(request.target())
            : URI.create(request.target());
    HttpCall call =
        new HttpCall(request.method(), uri, request.headers(), request.body(), request.silence());
    if (!site.owns(uri)) {
      return new Outcome(
          redirects.send(call, site, request.stays()), Proof.NONE, Redaction.of(Optional.empty()));
    }
    ScopeKey key = new ScopeKey(site.origin(), request.scopes());
    List<Scope> scopes = learntScopes.getOrDefault(key, request.scopes());
    Shown shown = authenticator.show(site, request.repository(), scopes, Optional.empty());
    Proof proof = shown.proof();
    for (int freshRefused = 0; ; ) {
      HttpReply reply =
          redirects.send(call.withAuthorization(shown.header()), site, request.stays());
      if (reply.status() != 401 || !site.owns(reply.uri())) {
        return new Outcome(reply, proof, Redaction.of(shown.header()));
      }
      boolean answered = false;
      try {
        List<Challenge> challenges = Challenge.parse(reply.headers("WWW-Authenticate"));
        freshRefused += shown.fresh() ? 1 : 0;
        boolean hopeless = shown.fresh() && hopeless(challenges, scopes);
        Optional<List<Scope>> wanted = authenticator.learn(site, challenges, scopes);
        proof = proof == Proof.NONE ? Proof.ANONYMOUS : proof;
        if (hopeless || wanted.isEmpty() || freshRefused >= FRESH_TOKENS) {
          answered = true;
          return new Outcome(reply, proof, Redaction.of(shown.header()));
        }
        if (!wanted.get().equals(scopes)) {
          scopes = wanted.get();
          learntScopes.put(key, scopes);
        }
        Shown next = authenticator.show(site, request.repository(), scopes, shown.header());
        proof = next.proof();
        if (next.header().equals(shown.header())) {
          // Nothing new to show: asking again would only count as another wrong password.
          answered = true;
          return new Outcome(reply, proof, Redaction.of(shown.header()));
        }
        shown = next;
      } finally {
        if (!answered) {
          reply.close();
        }
      }
    }
  }

  /** A fresh token with all the scopes asked for was not enough: another would not be either. */
  private static boolean hopeless(List<Challenge> challenges, List<Scope> scopes) {
    return challenges.stream()
        .anyMatch(
            c ->
                c.parameter("error").equals(Optional.of("insufficient_scope"))
                    && Scope.parseList(c.parameter("scope").orElse("")).stream()
                        .allMatch(scope -> scope.isIn(scopes)));
  }

  private static String place(Request request) {
    @Nullable String upstream = request.endpoint().mirrorOf();
    return upstream == null
        ? request.endpoint().authority()
        : request.endpoint().authority() + " (mirror of " + upstream + ")";
  }
}
