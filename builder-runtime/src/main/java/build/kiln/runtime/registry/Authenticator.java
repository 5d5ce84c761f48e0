package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credential.Basic;
import build.kiln.runtime.registry.Failures.Proof;
import build.kiln.runtime.registry.TokenService.Token;
import build.kiln.runtime.registry.TokenService.Wanted;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Knows what each registry asks for and what to show it. What a registry wants is learnt from its
 * first 401; after that requests carry the proof from the start. Tokens are kept per realm,
 * service, scopes and credential, so that a changed credential never meets an old token.
 */
final class Authenticator {
  /** How a registry wants to be asked. */
  private sealed interface Manner {
    record BasicManner() implements Manner {}

    record BearerManner(URI realm, String service) implements Manner {}
  }

  /** A place for one token; its lock keeps threads from asking for the same one at once. */
  private static final class Slot {
    final ReentrantLock lock = new ReentrantLock();
    @Nullable Token token;
  }

  /**
   * What one request shows.
   *
   * @param header the Authorization header's value, or empty for none
   * @param fresh whether the token was fetched for this very request
   */
  record Shown(Optional<String> header, Proof proof, boolean fresh) {}

  private final Credentials credentials;
  private final TokenService tokens;
  private final Clock clock;
  private final Map<Origin, Manner> manners = new ConcurrentHashMap<>();
  private final Map<Wanted, Slot> slots = new ConcurrentHashMap<>();

  Authenticator(Credentials credentials, TokenService tokens, Clock clock) {
    this.credentials = credentials;
    this.tokens = tokens;
    this.clock = clock;
  }

  /**
   * What to show now.
   *
   * @param distrusted an Authorization that was refused; if the kept token is that one, a new one
   *     is fetched
   */
  Shown show(Site site, Reference repository, List<Scope> scopes, Optional<String> distrusted)
      throws IOException {
    Optional<Credential> credential = credentials.forRepository(repository);
    if (credential.orElse(null) instanceof Credential.RegistryToken token) {
      return new Shown(Optional.of("Bearer " + token.token()), Proof.CREDENTIALS, false);
    }
    return switch (manners.get(site.origin())) {
      case null -> new Shown(Optional.empty(), Proof.NONE, false);
      case Manner.BasicManner ignored ->
          credential.orElse(null) instanceof Basic basic
              ? new Shown(
                  Optional.of(TokenService.basic(basic.username(), basic.password())),
                  Proof.CREDENTIALS,
                  false)
              : new Shown(Optional.empty(), Proof.ANONYMOUS, false);
      case Manner.BearerManner bearer -> {
        Wanted wanted = new Wanted(bearer.realm(), bearer.service(), scopes, credential);
        yield bearer(site, wanted, distrusted);
      }
    };
  }

  private Shown bearer(Site site, Wanted wanted, Optional<String> distrusted) throws IOException {
    Proof proof = wanted.credential().isPresent() ? Proof.TOKEN : Proof.ANONYMOUS;
    Slot slot = slots.computeIfAbsent(wanted, ignored -> new Slot());
    try {
      slot.lock.lockInterruptibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted("get a token for " + site.label(), e);
    }
    try {
      Token kept = slot.token;
      boolean usable =
          kept != null
              && clock.instant().isBefore(kept.useUntil())
              && !distrusted.equals(Optional.of("Bearer " + kept.value()));
      Token token = usable && kept != null ? kept : tokens.fetch(site, wanted);
      slot.token = token;
      return new Shown(Optional.of("Bearer " + token.value()), proof, !usable);
    } finally {
      slot.lock.unlock();
    }
  }

  /**
   * Learns from a 401 how the registry wants to be asked.
   *
   * @return the scopes to ask with from now on: the given ones, with what the challenge misses put
   *     first; empty if the registry asks for something we do not speak
   */
  Optional<List<Scope>> learn(Site site, List<Challenge> challenges, List<Scope> scopes)
      throws RegistryException {
    Origin origin = site.origin();
    Optional<Challenge> bearer = find(challenges, "bearer");
    if (bearer.isPresent() && bearer.get().parameter("realm").isPresent()) {
      Challenge challenge = bearer.get();
      URI realm =
          site.accept(site.base(), challenge.parameter("realm").orElseThrow(), "token realm");
      manners.put(
          origin, new Manner.BearerManner(realm, challenge.parameter("service").orElse("")));
      List<Scope> all = new ArrayList<>();
      for (Scope scope : Scope.parseList(challenge.parameter("scope").orElse(""))) {
        if (!scope.isIn(scopes)) {
          all.add(scope);
        }
      }
      all.addAll(scopes);
      return Optional.of(all);
    }
    if (find(challenges, "basic").isPresent()) {
      manners.put(origin, new Manner.BasicManner());
      return Optional.of(scopes);
    }
    return Optional.empty();
  }

  /** How a registry wants to be asked, in words; empty if it never asked. */
  Optional<String> manner(Site site) {
    return switch (manners.get(site.origin())) {
      case null -> Optional.empty();
      case Manner.BasicManner ignored -> Optional.of("basic");
      case Manner.BearerManner bearer ->
          Optional.of("tokens of " + Origin.of(bearer.realm()).authority());
    };
  }

  private static Optional<Challenge> find(List<Challenge> challenges, String scheme) {
    return challenges.stream().filter(c -> c.scheme().equals(scheme)).findFirst();
  }
}
