package build.kiln.runtime.registry.embedded;

import java.time.Duration;
import java.util.Map;

/** Who may do what with an embedded registry. */
public sealed interface Access {

  /** Everyone everything. */
  record Open() implements Access {}

  /** Basic authentication; a user may do everything. */
  record Basic(Map<String, String> passwords) implements Access {
    public Basic {
      passwords = Map.copyOf(passwords);
    }

    @Override
    public String toString() {
      return "Basic" + passwords.keySet();
    }
  }

  /**
   * Bearer tokens from the registry's own token server at {@code /token}; a user gets what it asks
   * for.
   *
   * @param anonymousPull whether a token to pull is given without credentials, as Docker Hub does
   * @param lifetime of a token
   */
  record Tokens(Map<String, String> passwords, boolean anonymousPull, Duration lifetime)
      implements Access {
    public Tokens {
      passwords = Map.copyOf(passwords);
    }

    @Override
    public String toString() {
      return "Tokens" + passwords.keySet();
    }
  }
}
