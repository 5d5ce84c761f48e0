package build.kiln.runtime.registry.embedded;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Lets requests pass or not, and issues tokens (distribution's spec/auth/token). */
final class AccessControl {
  private static final String SERVICE = "kiln-embedded";

  private record Grant(Set<String> permissions, Instant until) {}

  private final Access access;
  private final String baseUrl;
  private final Clock clock;
  private final Map<String, Grant> grants = new ConcurrentHashMap<>();

  AccessControl(Access access, String baseUrl, Clock clock) {
    this.access = access;
    this.baseUrl = baseUrl;
    this.clock = clock;
  }

  /**
   * @param needs permissions such as {@code repository:shop/api:pull}; none for the version check
   * @throws ApiError 401 with a challenge
   */
  void check(Exchange exchange, List<String> needs) throws ApiError {
    switch (access) {
      case Access.Open ignored -> {}
      case Access.Basic basic -> {
        if (user(exchange, basic.passwords()).isEmpty()) {
          throw refused("Basic realm=\"Kiln embedded registry\"");
        }
      }
      case Access.Tokens tokens -> {
        String header = exchange.header("Authorization").orElse("");
        Grant grant = header.startsWith("Bearer ") ? grants.get(header.substring(7)) : null;
        boolean valid = grant != null && clock.instant().isBefore(grant.until);
        if (!valid || grant == null || !grant.permissions.containsAll(needs)) {
          String scope = needs.isEmpty() ? "" : ",scope=\"" + scopes(needs) + "\"";
          String error = valid ? ",error=\"insufficient_scope\"" : "";
          throw refused(
              "Bearer realm=\"" + baseUrl + "/token\",service=\"" + SERVICE + "\"" + scope + error);
        }
      }
    }
  }

  /** Permissions of one action each, joined to scopes of several: pull and push of one name. */
  private static String scopes(List<String> needs) {
    Map<String, List<String>> byName = new LinkedHashMap<>();
    for (String need : needs) {
      int colon = need.lastIndexOf(':');
      byName
          .computeIfAbsent(need.substring(0, colon), ignored -> new ArrayList<>())
          .add(need.substring(colon + 1));
    }
    List<String> scopes = new ArrayList<>();
    byName.forEach((name, actions) -> scopes.add(name + ":" + String.join(",", actions)));
    return String.join(" ", scopes);
  }

  private static ApiError refused(String challenge) {
    return new ApiError(
        401, "UNAUTHORIZED", "authentication required", Map.of("WWW-Authenticate", challenge));
  }

  /** {@code GET /token}. */
  void token(Exchange exchange) throws IOException, ApiError {
    if (!(access instanceof Access.Tokens tokens) || !exchange.method().equals("GET")) {
      throw new ApiError(404, "NOT_FOUND", "there is no token server of that kind here");
    }
    Optional<String> user = user(exchange, tokens.passwords());
    if (user.isEmpty() && exchange.header("Authorization").isPresent()) {
      throw new ApiError(401, "UNAUTHORIZED", "user name or password is wrong");
    }
    List<String> permissions = new ArrayList<>();
    for (String scopes : exchange.parameters("scope")) {
      for (String scope : scopes.split(" ", -1)) {
        permissions.addAll(granted(scope, user.isPresent(), tokens.anonymousPull()));
      }
    }
    String token = UUID.randomUUID().toString();
    grants.put(token, new Grant(Set.copyOf(permissions), clock.instant().plus(tokens.lifetime())));
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("token", token);
    answer.put("expires_in", tokens.lifetime().toSeconds());
    exchange.answerJson(200, answer);
  }

  private static List<String> granted(String scope, boolean known, boolean anonymousPull) {
    int colon = scope.lastIndexOf(':');
    List<String> permissions = new ArrayList<>();
    if (colon > 0) {
      for (String action : scope.substring(colon + 1).split(",", -1)) {
        if (known || (anonymousPull && action.equals("pull"))) {
          permissions.add(scope.substring(0, colon) + ":" + action);
        }
      }
    }
    return permissions;
  }

  /** Who proved to be who, by basic authentication. */
  private static Optional<String> user(Exchange exchange, Map<String, String> passwords) {
    String header = exchange.header("Authorization").orElse("");
    if (!header.startsWith("Basic ")) {
      return Optional.empty();
    }
    String pair;
    try {
      byte[] decoded = Base64.getDecoder().decode(header.substring(6).strip());
      pair = new String(decoded, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    int colon = pair.indexOf(':');
    String user = colon < 0 ? pair : pair.substring(0, colon);
    String password = passwords.get(user);
    boolean right =
        password != null
            && MessageDigest.isEqual(
                password.getBytes(StandardCharsets.UTF_8),
                pair.substring(colon + 1).getBytes(StandardCharsets.UTF_8));
    return right ? Optional.of(user) : Optional.empty();
  }
}
