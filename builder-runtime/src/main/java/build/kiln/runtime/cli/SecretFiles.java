package build.kiln.runtime.cli;

import build.kiln.api.work.BuilderPaths;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.DockerConfigCredentials;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Secrets as files.
 *
 * @param folder laid out as {@link BuilderPaths} says
 */
record SecretFiles(Path folder) {
  private static final String DOCKER_CONFIG = ".dockerconfigjson";

  /**
   * The logins of Secrets, the first first; last the user's own.
   *
   * @param desk whose user that is; null in a pod
   * @throws NoSuchFileException if a Secret is not there; its message is for people
   */
  Credentials logins(Collection<String> secrets, @Nullable Desk desk) throws NoSuchFileException {
    List<Path> files = new ArrayList<>();
    for (String name : secrets) {
      Path file =
          folder.resolve(BuilderPaths.SECRETS_REGISTRY).resolve(name).resolve(DOCKER_CONFIG);
      if (!Files.isReadable(file)) {
        throw new NoSuchFileException(
            "the Secret \"%s\" has no key %s, or is not there (looked for %s); create it with kubectl create secret docker-registry"
                .formatted(name, DOCKER_CONFIG, file));
      }
      files.add(file);
    }
    List<Credentials> all = new ArrayList<>();
    if (!files.isEmpty()) {
      all.add(DockerConfigCredentials.ofFiles(files));
    }
    if (desk != null) {
      all.add(desk.credentials());
    }
    return Credentials.firstOf(all);
  }

  /**
   * The file of a Secret's key.
   *
   * @param kind the folder of Secrets of that use
   * @throws NoSuchFileException as above
   */
  Path key(String kind, String secret, String key) throws NoSuchFileException {
    Path file = folder.resolve(kind).resolve(secret).resolve(key);
    if (!Files.isReadable(file)) {
      throw new NoSuchFileException(
          "the Secret \"%s\" has no key %s, or is not there (looked for %s)"
              .formatted(secret, key, file));
    }
    return file;
  }

  /**
   * The value of the header {@code Authorization} from a Secret with the key {@code token}, or
   * {@code username} and {@code password}.
   *
   * @param kind the folder of Secrets of that use
   * @throws NoSuchFileException as above
   */
  String authorization(String kind, String secret) throws IOException {
    Path token = folder.resolve(kind).resolve(secret).resolve("token");
    if (Files.isReadable(token)) {
      return "Bearer " + Files.readString(token).strip();
    }
    String login =
        Files.readString(key(kind, secret, "username")).strip()
            + ":"
            + Files.readString(key(kind, secret, "password")).strip();
    return "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
  }
}
