package build.kiln.runtime.registry;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Takes out of a server's words what we showed it: a hostile or careless one says it back. */
final class Redaction {
  /** Shorter passwords would be found in any text, and hide it. */
  private static final int SHORTEST = 4;

  private final List<String> secrets;

  private Redaction(List<String> secrets) {
    this.secrets = secrets;
  }

  /**
   * Of an Authorization header's value.
   *
   * @param authorization empty if none was sent
   */
  static Redaction of(Optional<String> authorization) {
    List<String> secrets = new ArrayList<>();
    String value = authorization.orElse("");
    String shown = value.substring(value.indexOf(' ') + 1);
    secrets.add(shown);
    if (value.startsWith("Basic ")) {
      String pair = new String(Base64.getDecoder().decode(shown), StandardCharsets.UTF_8);
      secrets.add(pair.substring(pair.indexOf(':') + 1));
    }
    return new Redaction(secrets);
  }

  /** Of a token that was sent in a form. */
  static Redaction ofToken(String token) {
    return new Redaction(List.of(token));
  }

  String apply(String text) {
    String clean = text;
    for (String secret : secrets) {
      if (secret.length() >= SHORTEST) {
        clean = clean.replace(secret, "***");
      }
    }
    return clean;
  }
}
