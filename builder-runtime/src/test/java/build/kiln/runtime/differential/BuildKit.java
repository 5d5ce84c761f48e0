package build.kiln.runtime.differential;

import build.kiln.runtime.differential.LayerEntries.Entry;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/** The BuildKit of the environment's Docker daemon, by its command line. */
final class BuildKit {
  private static final int COMMAND_SECONDS = 120;

  private BuildKit() {}

  /** Whether an image was made, and what was said. */
  record Outcome(boolean built, String output) {}

  /** Why there is none; null if there is one. */
  static @Nullable String lacking() throws InterruptedException {
    try {
      Outcome version = docker(List.of("version", "--format", "{{.Server.Version}}"));
      if (!version.built) {
        return "no Docker daemon answers: " + version.output.strip();
      }
      Outcome buildx = docker(List.of("buildx", "inspect"));
      return buildx.built ? null : "no buildx: " + buildx.output.strip();
    } catch (IOException e) {
      return "no docker command: " + e.getMessage();
    }
  }

  /** Makes sure that the daemon has an image. */
  static boolean has(String image) throws IOException, InterruptedException {
    return docker(List.of("image", "inspect", image)).built
        || docker(List.of("pull", "-q", image)).built;
  }

  /** Builds a case; the image is the daemon's, of that name. */
  static Outcome build(Case test, Path context, String name)
      throws IOException, InterruptedException {
    // Without the cache: it does not look at times, so an image could be that of another run.
    var command = new ArrayList<>(List.of("buildx", "build", "--no-cache", "--progress=plain"));
    command.addAll(List.of("--provenance=false", "--load", "-t", name));
    command.addAll(List.of("-f", context.resolve(test.dockerfile()).toString()));
    if (test.target() != null) {
      command.addAll(List.of("--target", test.target()));
    }
    test.buildArgs().forEach((k, v) -> command.addAll(List.of("--build-arg", k + "=" + v)));
    if (test.platform() != null) {
      command.addAll(List.of("--platform", test.platform()));
    }
    test.contexts()
        .forEach(
            (key, value) ->
                command.addAll(
                    List.of(
                        "--build-context",
                        key
                            + "="
                            + (value.startsWith(Case.IMAGE) ? value : context.resolve(value)))));
    test.labels().forEach((k, v) -> command.addAll(List.of("--label", k + "=" + v)));
    command.add(context.toString());
    return docker(command);
  }

  static void remove(Collection<String> names) throws IOException, InterruptedException {
    if (!names.isEmpty()) {
      var command = new ArrayList<>(List.of("image", "rm", "--force"));
      command.addAll(names);
      docker(command);
    }
  }

  private static Outcome docker(List<String> arguments) throws IOException, InterruptedException {
    Process process = start(arguments, true);
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("docker " + String.join(" ", arguments) + " does not end");
    }
    return new Outcome(process.exitValue() == 0, output);
  }

  private static Process start(List<String> arguments, boolean joined) throws IOException {
    var command = new ArrayList<>(List.of("docker"));
    command.addAll(arguments);
    var builder = new ProcessBuilder(command).redirectErrorStream(joined);
    // Proxies of this machine are none of the cases'.
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.toLowerCase(java.util.Locale.ROOT).endsWith("_proxy"));
    if (!joined) {
      builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    }
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  /** A blob of the daemon's archive is a JSON document or a layer; which, its bytes tell. */
  private static final class Blobs {
    final Map<String, JsonNode> documents = new HashMap<>();
    final Map<String, List<Entry>> layers = new HashMap<>();

    void read(TarArchiveEntry entry, InputStream in) throws IOException {
      String name = entry.getName();
      if (entry.isDirectory()) {
        return;
      }
      var buffered = new java.io.BufferedInputStream(in);
      buffered.mark(1);
      int first = buffered.read();
      buffered.reset();
      if (first == '{' || first == '[') {
        documents.put(name, Json.tree(buffered.readAllBytes()));
      } else if (name.startsWith("blobs/")) {
        layers.put(name, LayerEntries.read(buffered));
      }
    }

    Map<String, Image> images() {
      var images = new HashMap<String, Image>();
      for (JsonNode image : Objects.requireNonNull(documents.get("manifest.json"))) {
        JsonNode config = Objects.requireNonNull(documents.get(image.path("Config").asText()));
        var files = new ArrayList<List<Entry>>();
        image
            .path("Layers")
            .forEach(l -> files.add(Objects.requireNonNull(layers.get(l.asText()))));
        image.path("RepoTags").forEach(tag -> images.put(tag.asText(), new Image(config, files)));
      }
      return images;
    }
  }

  /** Reads images of the daemon, by name. */
  static Map<String, Image> images(Collection<String> names)
      throws IOException, InterruptedException {
    var blobs = new Blobs();
    save(names, blobs::read);
    return blobs.images();
  }

  /** Takes an archive's entries. */
  @FunctionalInterface
  interface Reader {
    void read(TarArchiveEntry entry, InputStream content) throws IOException;
  }

  /** Streams images of the daemon as one OCI layout. */
  static void save(Collection<String> names, Reader reader)
      throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("save"));
    command.addAll(names);
    Process process = start(command, false);
    try (var tar = new TarArchiveInputStream(process.getInputStream(), "UTF-8")) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        reader.read(entry, tar);
      }
    }
    if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException("docker save failed");
    }
  }
}
