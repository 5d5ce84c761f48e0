package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Credentials from docker's configuration, in one file or several merged as kubelet merges pull
 * secrets: of all entries that match a repository the most precise wins, and of equals the one in
 * the file named first. Order: {@code credHelpers}, {@code credsStore}, {@code auths}.
 *
 * <p>A file is looked at on every request and read again when it changed; one that is not there
 * counts as empty, since {@code docker login} or a mounted Secret may bring it later.
 */
public final class DockerConfigCredentials implements Credentials {
  private interface Source {
    DockerConfig get() throws IOException;
  }

  private final List<Source> sources;
  private final CredentialHelper helper;

  private DockerConfigCredentials(List<Source> sources, CredentialHelper helper) {
    this.sources = List.copyOf(sources);
    this.helper = helper;
  }

  /** From files, in order of precedence among equals. */
  public static DockerConfigCredentials ofFiles(List<Path> files) {
    return ofFiles(files, Map.of(), Clock.systemUTC());
  }

  static DockerConfigCredentials ofFiles(
      List<Path> files, Map<String, String> helperEnvironment, Clock clock) {
    List<Source> sources = new ArrayList<>();
    files.forEach(file -> sources.add(new FileSource(file)));
    return new DockerConfigCredentials(sources, new CredentialHelper(clock, helperEnvironment));
  }

  /**
   * From text, such as a Secret's.
   *
   * @param name what the text is, for messages
   * @throws RegistryException if it is not docker's configuration
   */
  public static DockerConfigCredentials ofText(String name, String json) throws RegistryException {
    DockerConfig config = DockerConfig.parse(name, json.getBytes(StandardCharsets.UTF_8));
    return new DockerConfigCredentials(
        List.of(() -> config), new CredentialHelper(Clock.systemUTC(), Map.of()));
  }

  /**
   * The user's own: {@code REGISTRY_AUTH_FILE}, else {@code DOCKER_CONFIG}/config.json, else
   * ~/.docker/config.json.
   */
  public static DockerConfigCredentials ofUser(Map<String, String> environment, Path home) {
    return ofFiles(List.of(userFile(environment, home)));
  }

  static Path userFile(Map<String, String> environment, Path home) {
    String authFile = environment.getOrDefault("REGISTRY_AUTH_FILE", "");
    String folder = environment.getOrDefault("DOCKER_CONFIG", "");
    if (!authFile.isEmpty()) {
      return Path.of(authFile);
    }
    return (folder.isEmpty() ? home.resolve(".docker") : Path.of(folder)).resolve("config.json");
  }

  @Override
  public Optional<Credential> forRepository(Reference repository) throws IOException {
    String host = RegistryPattern.canonicalHost(repository.registry());
    List<DockerConfig> configs = new ArrayList<>();
    for (Source source : sources) {
      configs.add(source.get());
    }
    for (DockerConfig config : configs) {
      String name = config.helpers().get(host);
      Optional<Credential> found = ask(name, host);
      if (found.isPresent()) {
        return found;
      }
    }
    for (DockerConfig config : configs) {
      Optional<Credential> found = ask(config.store(), host);
      if (found.isPresent()) {
        return found;
      }
    }
    return configs.stream()
        .flatMap(config -> config.entries().stream())
        .filter(entry -> entry.pattern().matches(repository))
        .min((a, b) -> RegistryPattern.BY_PRECISION.compare(a.pattern(), b.pattern()))
        .map(DockerConfig.Entry::credential);
  }

  private Optional<Credential> ask(@Nullable String name, String host) throws IOException {
    return name == null ? Optional.empty() : helper.get(name, host);
  }

  /** A file that may change; parsed again when its identity, time or size is another. */
  private static final class FileSource implements Source {
    private record Seen(@Nullable Object key, long modified, long size, DockerConfig config) {}

    private final Path file;
    private volatile @Nullable Seen seen;

    FileSource(Path file) {
      this.file = file;
    }

    @Override
    public DockerConfig get() throws IOException {
      try {
        // It is asked with each request, and most often not there: an exception would be dear.
        @Nullable BasicFileAttributes now =
            file.getFileSystem().provider().readAttributesIfExists(file, BasicFileAttributes.class);
        if (now == null) {
          return DockerConfig.EMPTY;
        }
        long modified = now.lastModifiedTime().toMillis();
        Seen last = seen;
        if (last == null
            || last.modified != modified
            || last.size != now.size()
            || !Objects.equals(last.key, now.fileKey())) {
          DockerConfig config = DockerConfig.parse(file.toString(), Files.readAllBytes(file));
          last = new Seen(now.fileKey(), modified, now.size(), config);
          seen = last;
        }
        return last.config;
      } catch (NoSuchFileException e) {
        return DockerConfig.EMPTY;
      } catch (RegistryException e) {
        throw e;
      } catch (IOException e) {
        throw new RegistryException(
            RegistryException.Code.INVALID,
            "tried to read registry credentials from "
                + file
                + " but it cannot be read ("
                + e.getClass().getSimpleName()
                + "); check its permissions",
            e);
      }
    }
  }
}
