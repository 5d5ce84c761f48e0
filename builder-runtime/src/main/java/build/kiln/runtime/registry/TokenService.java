package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.Credential.Basic;
import build.kiln.runtime.registry.Credential.IdentityToken;
import build.kiln.runtime.registry.Failures.Proof;
import build.kiln.runtime.registry.RegistryException.Code;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Gets tokens: distribution's spec/auth/token (GET) and spec/auth/oauth (POST). */
final class TokenService {
  /** What the specification says an answer without {@code expires_in} means. */
  private static final int DEFAULT_SECONDS = 60;

  private static final int BODY_LIMIT = 1 << 20;

  /**
   * What is asked for.
   *
   * @param service as the challenge gave it, or empty
   */
  record Wanted(URI realm, String service, List<Scope> scopes, Optional<Credential> credential) {}

  /** A token and until when it is used, a little before it ends, by the local clock. */
  record Token(String value, Instant useUntil) {
    @Override
    public String toString() {
      return "Token[until " + useUntil + "]";
    }
  }

  private final Redirects redirects;
  private final Retries retries;
  private final Clock clock;

  TokenService(Redirects redirects, Retries retries, Clock clock) {
    this.redirects = redirects;
    this.retries = retries;
    this.clock = clock;
  }

  Token fetch(Site site, Wanted wanted) throws IOException {
    String doing = "get a token for " + site.label();
    return retries.run(doing, retries.attempts(), () -> fetchOnce(doing, site, wanted));
  }

  private Token fetchOnce(String doing, Site site, Wanted wanted) throws IOException {
    try {
      if (wanted.credential().orElse(null) instanceof IdentityToken identity) {
        Optional<Token> token = post(doing, site, wanted, identity);
        if (token.isPresent()) {
          return token.get();
        }
      }
      return get(doing, site, wanted);
    } catch (IOException e) {
      throw Failures.of(doing, wanted.realm().getHost(), e);
    }
  }

  /** Empty if the server does not know this way. */
  private Optional<Token> post(String doing, Site site, Wanted wanted, IdentityToken identity)
      throws IOException {
    String form =
        "grant_type=refresh_token&service="
            + encoded(wanted.service())
            + "&client_id=kiln&scope="
            + encoded(wanted.scopes().stream().map(Scope::text).collect(Collectors.joining(" ")))
            + "&refresh_token="
            + encoded(identity.token());
    HttpCall.Body body =
        HttpCall.Body.of(
            "application/x-www-form-urlencoded", form.getBytes(StandardCharsets.US_ASCII));
    HttpCall call = new HttpCall("POST", wanted.realm(), Map.of(), body, null);
    try (HttpReply reply = redirects.send(call, site)) {
      if (reply.status() == 404 || reply.status() == 405) {
        return Optional.empty();
      }
      return Optional.of(token(doing, wanted, reply, Redaction.ofToken(identity.token())));
    }
  }

  private Token get(String doing, Site site, Wanted wanted) throws IOException {
    List<String> query = new ArrayList<>();
    if (!wanted.service().isEmpty()) {
      query.add("service=" + encoded(wanted.service()));
    }
    wanted.scopes().forEach(scope -> query.add("scope=" + encoded(scope.text())));
    Optional<String> authorization = Optional.empty();
    switch (wanted.credential().orElse(null)) {
      case Basic basic -> {
        query.add("account=" + encoded(basic.username()));
        authorization = Optional.of(basic(basic.username(), basic.password()));
      }
      case IdentityToken identity -> {
        String user = identity.username().isEmpty() ? "<token>" : identity.username();
        authorization = Optional.of(basic(user, identity.token()));
      }
      case Credential.RegistryToken token -> authorization = Optional.of("Bearer " + token.token());
      case null -> {}
    }
    String realm = wanted.realm().toString();
    String separator = query.isEmpty() ? "" : realm.indexOf('?') >= 0 ? "&" : "?";
    URI uri = URI.create(realm + separator + String.join("&", query));
    HttpCall call = HttpCall.of("GET", uri, Map.of()).withAuthorization(authorization);
    try (HttpReply reply = redirects.send(call, site)) {
      return token(doing, wanted, reply, Redaction.of(authorization));
    }
  }

  private Token token(String doing, Wanted wanted, HttpReply reply, Redaction shown)
      throws IOException {
    String host = wanted.realm().getHost();
    if (reply.status() != 200) {
      throw refused(doing, host, wanted, reply, shown);
    }
    JsonNode answer;
    try {
      answer = Json.tree(reply.bytes(BODY_LIMIT));
    } catch (JsonProcessingException e) {
      throw invalid(doing, host, "its answer is not JSON");
    }
    String value = answer.path("token").asText("");
    if (value.isEmpty()) {
      value = answer.path("access_token").asText("");
    }
    if (value.isEmpty() || value.chars().anyMatch(c -> c <= ' ' || c >= 0x7f)) {
      throw invalid(doing, host, "its answer has no usable token");
    }
    long seconds = answer.path("expires_in").asLong(DEFAULT_SECONDS);
    Duration life = Duration.ofSeconds(Math.clamp(seconds, DEFAULT_SECONDS, 24 * 3600));
    Duration margin =
        life.dividedBy(10).compareTo(Duration.ofSeconds(30)) < 0
            ? life.dividedBy(10)
            : Duration.ofSeconds(30);
    return new Token(value, clock.instant().plus(life).minus(margin));
  }

  private RegistryException refused(
      String doing, @Nullable String host, Wanted wanted, HttpReply reply, Redaction shown) {
    boolean withCredentials = wanted.credential().isPresent();
    // A token server judges the credentials with 401 (or 400, for a stale refresh token) and what
    // they may do with 403.
    boolean judged = reply.status() == 401 || reply.status() == 400;
    Proof proof = !withCredentials ? Proof.ANONYMOUS : judged ? Proof.CREDENTIALS : Proof.TOKEN;
    RegistryException failure =
        Failures.of(doing, String.valueOf(host), reply, proof, shown, clock);
    boolean staleToken = reply.status() == 400 && withCredentials;
    return staleToken
        ? new RegistryException(
            Code.UNAUTHORIZED, String.valueOf(failure.getMessage()), failure, 400, null, null)
        : failure;
  }

  private static RegistryException invalid(String doing, @Nullable String host, String why) {
    return new RegistryException(
        Code.INVALID,
        "tried to " + doing + " on " + host + " but " + why + "; is this a token server?");
  }

  static String basic(String user, String password) {
    byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(pair);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
