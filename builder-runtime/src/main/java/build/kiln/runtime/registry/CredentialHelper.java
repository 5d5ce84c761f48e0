package build.kiln.runtime.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.RegistryException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Asks {@code docker-credential-NAME} (docker-credential-helpers' protocol). An answer is kept for
 * a minute, since a helper may call a cloud's API and every request of a build asks.
 */
final class CredentialHelper {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]+");
  private static final Duration KEEP = Duration.ofMinutes(1);
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** What docker calls Docker Hub when it talks to helpers. */
  static final String HUB_SERVER = "https://index.docker.io/v1/";

  private record Answer(Optional<Credential> credential, Instant until) {}

  private final Clock clock;
  private final Map<String, String> environment;
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();

  /**
   * @param environment what helpers see on top of this process's environment; PATH in it is where
   *     they are looked for
   */
  CredentialHelper(Clock clock, Map<String, String> environment) {
    this.clock = clock;
    this.environment = Map.copyOf(environment);
  }

  Optional<Credential> get(String helper, String registry) throws IOException {
    String key = helper + " " + registry;
    Answer kept = answers.get(key);
    if (kept != null && clock.instant().isBefore(kept.until)) {
      return kept.credential;
    }
    Optional<Credential> found = ask(helper, registry);
    answers.put(key, new Answer(found, clock.instant().plus(KEEP)));
    return found;
  }

  /** Keeps a login (the protocol's {@code store}). */
  void store(String helper, String registry, Credential.Basic login) throws IOException {
    Map<String, String> request = new LinkedHashMap<>();
    request.put("ServerURL", server(registry));
    request.put("Username", login.username());
    request.put("Secret", login.password());
    Ended ended = run(helper, "store", registry, new String(Json.write(request), UTF_8));
    answers.remove(helper + " " + registry);
    if (ended.exit != 0) {
      throw failed(ended.program, registry, "it exited with " + ended.exit, null);
    }
  }

  /**
   * Forgets a login (the protocol's {@code erase}).
   *
   * @return whether there was one
   */
  boolean erase(String helper, String registry) throws IOException {
    boolean was = get(helper, registry).isPresent();
    answers.remove(helper + " " + registry);
    if (was) {
      Ended ended = run(helper, "erase", registry, server(registry));
      if (ended.exit != 0) {
        throw failed(ended.program, registry, "it exited with " + ended.exit, null);
      }
    }
    return was;
  }

  private static String server(String registry) {
    return registry.equals("docker.io") ? HUB_SERVER : registry;
  }

  private Optional<Credential> ask(String helper, String registry) throws IOException {
    Ended ended = run(helper, "get", registry, server(registry));
    return ended.exit == 0
        ? answer(ended.program, registry, ended.said)
        : refusal(ended.program, registry, ended.exit, ended.said);
  }

  /** How a helper ended, and what it printed. */
  private record Ended(String program, int exit, String said) {}

  private Ended run(String helper, String command, String registry, String input)
      throws IOException {
    String program = "docker-credential-" + helper;
    if (!NAME.matcher(helper).matches()) {
      throw failed(program, registry, "that is not a helper's name", null);
    }
    Process process = start(program, command, registry);
    try {
      try (var stdin = process.getOutputStream()) {
        stdin.write(input.getBytes(UTF_8));
      } catch (IOException ignored) {
        // A helper that does not read its input answers all the same.
      }
      // Its answer fits into the pipe, so it can end before the answer is read.
      if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw failed(program, registry, "it did not end within " + LIMIT.toSeconds() + " s", null);
      }
      byte[] out = process.getInputStream().readNBytes(1 << 20);
      return new Ended(program, process.exitValue(), new String(out, UTF_8).strip());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException)
          new InterruptedIOException("interrupted while " + program + " ran").initCause(e);
    } finally {
      process.destroyForcibly();
    }
  }

  private Process start(String program, String command, String registry) throws RegistryException {
    @Nullable String path = environment.getOrDefault("PATH", System.getenv("PATH"));
    ProcessBuilder builder =
        new ProcessBuilder(Executables.find(program, path).orElse(program), command)
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().putAll(environment);
    try {
      return builder.start();
    } catch (IOException e) {
      throw failed(program, registry, "it cannot be started (is it on PATH?)", e);
    }
  }

  private static Optional<Credential> refusal(
      String program, String registry, int exit, String text) throws RegistryException {
    if (text.toLowerCase(Locale.ROOT).contains("credentials not found")) {
      return Optional.empty();
    }
    // Something that looks like a document may hold the secret; a sentence does not.
    String said =
        text.isEmpty() || text.indexOf('{') >= 0 ? "" : ": " + Failures.printable(text, 200);
    throw failed(program, registry, "it exited with " + exit + said, null);
  }

  private static Optional<Credential> answer(String program, String registry, String text)
      throws RegistryException {
    JsonNode node;
    try {
      node = Json.tree(text);
    } catch (IOException e) {
      throw failed(program, registry, "its answer is not JSON", null);
    }
    String user = node.path("Username").asText("");
    String secret = node.path("Secret").asText("");
    if (secret.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        user.equals("<token>")
            ? new Credential.IdentityToken("", secret)
            : new Credential.Basic(user, secret));
  }

  private static RegistryException failed(
      String program, String registry, String why, @Nullable Throwable cause) {
    return new RegistryException(
        Code.UNAUTHORIZED,
        "tried to get credentials for "
            + registry
            + " from "
            + program
            + " but "
            + why
            + "; install the helper or take it out of docker's config.json",
        cause);
  }
}
