package build.kiln.runtime.registry;

/** What proves to a registry who asks. The secret part never shows in {@code toString}. */
public sealed interface Credential {

  /** A user name with a password or an access token in its place. */
  record Basic(String username, String password) implements Credential {
    public Basic {
      if (username.indexOf(':') >= 0) {
        throw new IllegalArgumentException("a user name must not contain a colon");
      }
    }

    @Override
    public String toString() {
      return "Basic[" + username + "]";
    }
  }

  /**
   * An OAuth 2 refresh token, exchanged for access tokens ({@code identitytoken} in docker's
   * config).
   *
   * @param username the account, or empty if it is not known
   */
  record IdentityToken(String username, String token) implements Credential {
    @Override
    public String toString() {
      return "IdentityToken[" + username + "]";
    }
  }

  /** A bearer token that is sent as it is ({@code registrytoken} in docker's config). */
  record RegistryToken(String token) implements Credential {
    @Override
    public String toString() {
      return "RegistryToken[]";
    }
  }
}
