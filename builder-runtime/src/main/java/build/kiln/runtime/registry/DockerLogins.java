package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.RegistryException.Code;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Logins in docker's {@code config.json}, as {@code docker login} and {@code logout} keep them: in
 * the credential helper that the file names for the registry, else in the file itself. What else
 * the file says stays. The file is replaced when it is whole, and only its owner may read it.
 */
public final class DockerLogins {
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final Path file;
  private final CredentialHelper helpers;

  DockerLogins(Path file, CredentialHelper helpers) {
    this.file = file;
    this.helpers = helpers;
  }

  /** Those of a user; the file is the one that {@link DockerConfigCredentials#ofUser} reads. */
  public static DockerLogins ofUser(Map<String, String> environment, Path home) {
    return new DockerLogins(
        DockerConfigCredentials.userFile(environment, home),
        new CredentialHelper(Clock.systemUTC(), Map.of()));
  }

  public Path file() {
    return file;
  }

  /**
   * Keeps a login.
   *
   * @param registry {@code host[:port]}
   * @return the helper that keeps it, or empty if the file does, where anyone who reads it reads
   *     the password
   * @throws RegistryException if the file is not docker's configuration, or the helper fails
   */
  public Optional<String> store(String registry, Credential.Basic login) throws IOException {
    ObjectNode root = read();
    String host = RegistryPattern.canonicalHost(registry);
    Optional<String> helper = helper(root, host);
    ObjectNode auths = auths(root);
    forget(auths, host);
    if (helper.isPresent()) {
      helpers.store(helper.get(), host, login);
      auths.putObject(key(host));
    } else {
      String pair = login.username() + ":" + login.password();
      auths
          .putObject(key(host))
          .put("auth", Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
    }
    write(root);
    return helper;
  }

  /**
   * Forgets a login.
   *
   * @return whether there was one
   */
  public boolean erase(String registry) throws IOException {
    ObjectNode root = read();
    String host = RegistryPattern.canonicalHost(registry);
    Optional<String> helper = helper(root, host);
    boolean was = helper.isPresent() && helpers.erase(helper.get(), host);
    if (forget(auths(root), host)) {
      write(root);
      was = true;
    }
    return was;
  }

  private static Optional<String> helper(ObjectNode root, String host) {
    for (Map.Entry<String, JsonNode> own : root.path("credHelpers").properties()) {
      if (RegistryPattern.parse(own.getKey()).host().equals(host)) {
        return Optional.of(own.getValue().asText());
      }
    }
    return Optional.of(root.path("credsStore").asText("")).filter(name -> !name.isEmpty());
  }

  private static ObjectNode auths(ObjectNode root) {
    return root.path("auths") instanceof ObjectNode auths ? auths : root.putObject("auths");
  }

  /** Docker Hub has the name that docker gives it. */
  private static String key(String host) {
    return host.equals("docker.io") ? CredentialHelper.HUB_SERVER : host;
  }

  /** Removes all names of the host, but no login for a path below it. */
  private static boolean forget(ObjectNode auths, String host) {
    return auths
        .properties()
        .removeIf(
            entry -> RegistryPattern.parse(entry.getKey()).equals(new RegistryPattern(host, "")));
  }

  private ObjectNode read() throws IOException {
    byte[] text;
    try {
      text = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return Json.mapper().createObjectNode();
    }
    // For its checks and messages, which tell nothing of what is in the file.
    DockerConfig.parse(file.toString(), text);
    return (ObjectNode) Json.tree(text);
  }

  private void write(ObjectNode root) throws IOException {
    Separators separators =
        Separators.createDefaultInstance().withObjectFieldValueSpacing(Separators.Spacing.AFTER);
    DefaultIndenter tabs = new DefaultIndenter("\t", "\n");
    DefaultPrettyPrinter asDocker =
        new DefaultPrettyPrinter(separators).withObjectIndenter(tabs).withArrayIndenter(tabs);
    byte[] text = Json.mapper().writer(asDocker).writeValueAsBytes(root);
    // Not what a link names, but where the link leads, is replaced.
    Path real = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
    try {
      Path folder = real.getParent();
      if (folder == null) {
        throw new IOException("it has no folder");
      }
      if (!Files.isDirectory(folder)) {
        Files.createDirectories(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      Path temp = Files.createTempFile(folder, ".config.json", ".tmp", OWNER_ONLY);
      try {
        Files.write(temp, text);
        Files.move(temp, real, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temp);
      }
    } catch (IOException e) {
      throw new RegistryException(
          Code.INVALID,
          "tried to write registry logins to "
              + file
              + " but it cannot be written ("
              + e.getClass().getSimpleName()
              + "); check the permissions of its folder",
          e);
    }
  }
}
