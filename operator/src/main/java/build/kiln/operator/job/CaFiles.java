package build.kiln.operator.job;

import build.kiln.operator.settings.Settings;
import build.kiln.operator.settings.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The installation's own certificates, read anew for each Job, since they are renewed. */
public final class CaFiles {
  /** Together with the order they must fit into one ConfigMap. */
  public static final int MOST_BYTES = 192 * 1024;

  private CaFiles() {}

  /**
   * The texts by file name.
   *
   * @throws SettingsException if the folder cannot be read, or holds too much
   */
  public static Map<String, String> read(Settings settings) {
    if (settings.caDirectory() == null) {
      return Map.of();
    }
    var folder = Path.of(settings.caDirectory());
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (var file : (Iterable<Path>) list::iterator) {
        var name = file.getFileName().toString();
        if (name.matches("[A-Za-z0-9][-._A-Za-z0-9]{0,200}\\.(pem|crt)")
            && Files.isRegularFile(file)) {
          files.put(name, Files.readString(file));
        }
      }
    } catch (IOException e) {
      throw new SettingsException("caDirectory %s cannot be read: %s".formatted(folder, e), e);
    }
    int size = files.values().stream().mapToInt(String::length).sum();
    if (size > MOST_BYTES) {
      throw new SettingsException(
          "caDirectory %s holds %d KiB of certificates, more than %d KiB: leave out those that the system trusts anyway"
              .formatted(folder, size / 1024, MOST_BYTES / 1024));
    }
    return files;
  }
}
