package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** A file a repository. One that is damaged counts as none. */
public final class DirectoryManifestCache implements ManifestCache {
  private final Path directory;

  /**
   * @throws IOException if the directory cannot be made
   */
  public DirectoryManifestCache(Path directory) throws IOException {
    this.directory = Files.createDirectories(directory);
  }

  @Override
  public Map<Digest, ManifestFacts> load(String repository) throws IOException {
    Map<Digest, ManifestFacts> known = new HashMap<>();
    try (var in = new GZIPInputStream(Files.newInputStream(file(repository)))) {
      Json.mapper()
          .readValue(in, new TypeReference<List<ManifestFacts>>() {})
          .forEach(facts -> known.put(facts.digest(), facts));
    } catch (NoSuchFileException e) {
      return known;
    } catch (IOException | OciException e) {
      known.clear();
    }
    return known;
  }

  @Override
  public void save(String repository, Map<Digest, ManifestFacts> manifests) throws IOException {
    Path unfinished = Files.createTempFile(directory, "facts", ".tmp");
    try {
      try (var out = new GZIPOutputStream(Files.newOutputStream(unfinished))) {
        out.write(Json.write(List.copyOf(new TreeMap<>(manifests).values())));
      }
      Files.move(
          unfinished,
          file(repository),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }

  private Path file(String repository) {
    String name = Digest.ofBytes(repository.getBytes(StandardCharsets.UTF_8)).hex();
    return directory.resolve(name.substring(0, 32) + ".json.gz");
  }
}
