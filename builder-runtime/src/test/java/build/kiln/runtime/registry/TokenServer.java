package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A token server (distribution's spec/auth/token and jwt) that gives one user all it asks for. */
final class TokenServer implements AutoCloseable {
  private static final Pattern SCOPE = Pattern.compile("scope=([a-z]+):([^:&]+):([^&]*)");
  private final Scripted server = new Scripted();
  private final TestCertificate signer;

  TokenServer(TestCertificate signer, String user, String password) throws IOException {
    this.signer = signer;
    String login =
        "Basic "
            + Base64.getEncoder()
                .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    server.on(
        "GET",
        "/token",
        http -> {
          if (!login.equals(http.getRequestHeaders().getFirst("Authorization"))) {
            Scripted.answer(401, "").handle(http);
            return;
          }
          List<Map<String, Object>> access = new ArrayList<>();
          Matcher scope = SCOPE.matcher(http.getRequestURI().getQuery());
          while (scope.find()) {
            access.add(
                Map.of(
                    "type",
                    scope.group(1),
                    "name",
                    scope.group(2),
                    "actions",
                    List.of(scope.group(3).split(",", -1))));
          }
          Scripted.answer(200, "{\"token\":\"" + token(access) + "\",\"expires_in\":300}")
              .handle(http);
        });
  }

  URI realm() {
    return server.uri("/token");
  }

  private String token(List<Map<String, Object>> access) throws IOException {
    try {
      String certificate = Base64.getEncoder().encodeToString(signer.certificate().getEncoded());
      long now = Instant.now().getEpochSecond();
      Map<String, Object> claims = new LinkedHashMap<>();
      claims.put("iss", "tests");
      claims.put("aud", "kiln-test");
      claims.put("sub", "ann");
      claims.put("nbf", now - 10);
      claims.put("iat", now - 10);
      claims.put("exp", now + 300);
      claims.put("jti", UUID.randomUUID().toString());
      claims.put("access", access);
      String signed =
          part(Map.of("typ", "JWT", "alg", "RS256", "x5c", List.of(certificate)))
              + "."
              + part(claims);
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initSign((PrivateKey) signer.key());
      signature.update(signed.getBytes(StandardCharsets.US_ASCII));
      return signed + "." + encoded(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  private static String part(Map<String, Object> json) {
    return encoded(Json.write(json));
  }

  private static String encoded(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @Override
  public void close() {
    server.close();
  }
}
