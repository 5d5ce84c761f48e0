package build.kiln.runtime.cli.manifest;

import build.kiln.runtime.cli.manifest.ManifestException.Code;
import build.kiln.runtime.cli.manifest.ManifestException.Problem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How a desk reaches registries: the file {@code registries.yaml}, whose fields are named as those
 * of a work order's settings.
 *
 * @param mirrors upstream host to its mirrors, in order
 * @param insecureRegistries {@code host[:port]} of registries without verified TLS
 * @param caDirectory a folder of authorities for all registries
 * @param certDirectories folders as docker's certs.d, before those of docker and podman
 */
public record RegistriesFile(
    Map<String, List<String>> mirrors,
    List<String> insecureRegistries,
    Optional<String> caDirectory,
    List<String> certDirectories) {
  private static final Set<String> FIELDS =
      Set.of("mirrors", "insecureRegistries", "caDirectory", "certDirectories");

  public static final RegistriesFile EMPTY =
      new RegistriesFile(Map.of(), List.of(), Optional.empty(), List.of());

  /**
   * @throws ManifestException if it is not such a file, with every problem that was found
   */
  public static RegistriesFile read(String name, byte[] bytes) {
    List<Tree> documents = YamlReader.read(name, new String(bytes, StandardCharsets.UTF_8));
    if (documents.isEmpty()) {
      return EMPTY;
    }
    if (documents.size() > 1 || !(documents.getFirst() instanceof Tree.Fields root)) {
      throw new ManifestException(
          Code.FieldInvalid, name, documents.getLast().place(), "want one mapping, of " + FIELDS);
    }
    var reading = new Reading();
    root.fields()
        .forEach(
            (field, value) -> {
              if (!FIELDS.contains(field)) {
                reading.wrong(value.place(), "no such field: " + field + " (want " + FIELDS + ")");
              }
            });
    Map<String, List<String>> mirrors = new LinkedHashMap<>();
    switch (root.field("mirrors").orElse(null)) {
      case Tree.Fields upstreams ->
          upstreams
              .fields()
              .forEach((host, list) -> mirrors.put(host, reading.texts(list.value())));
      case null -> {}
      case Tree other -> reading.wrong(other.place(), "mirrors: want a list for each upstream");
    }
    var file =
        new RegistriesFile(
            mirrors,
            root.field("insecureRegistries").map(reading::texts).orElse(List.of()),
            root.field("caDirectory").map(reading::text),
            root.field("certDirectories").map(reading::texts).orElse(List.of()));
    if (!reading.problems.isEmpty()) {
      throw new ManifestException(Code.FieldInvalid, name, reading.problems);
    }
    return file;
  }

  private static final class Reading {
    final List<Problem> problems = new ArrayList<>();

    void wrong(Place place, String message) {
      problems.add(new Problem(place, message));
    }

    String text(Tree tree) {
      return tree.text()
          .orElseGet(
              () -> {
                wrong(tree.place(), "want a text");
                return "";
              });
    }

    List<String> texts(Tree tree) {
      if (!(tree instanceof Tree.Items items)) {
        wrong(tree.place(), "want a list of texts");
        return List.of();
      }
      return items.items().stream().map(this::text).toList();
    }
  }
}
