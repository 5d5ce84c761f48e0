package build.kiln.operator.quickstart;

import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * An image as a registry serves it, pulled whole: every byte is checked against its digest on the
 * way.
 *
 * @param files by layer, what it says of each path; content of small regular files
 */
record PulledImage(
    Digest digest, Manifest manifest, ImageConfig config, List<Map<String, String>> files) {
  private static final int SMALL = 4096;

  /** Pulls manifest, config and all layers. */
  static PulledImage pull(RegistryClient registry, Reference reference) throws IOException {
    var fetched = registry.fetchManifest(reference);
    var manifest = Json.read(fetched.bytes(), Manifest.JSON, reference.toString());
    byte[] config;
    try (var blob = registry.openBlob(reference, manifest.config())) {
      config = blob.readAllBytes();
    }
    List<Map<String, String>> files = new ArrayList<>();
    for (var layer : manifest.layers()) {
      files.add(read(registry, reference, layer));
    }
    return new PulledImage(
        fetched.descriptor().digest(),
        manifest,
        Json.read(config, ImageConfig.JSON, "the image's configuration"),
        files);
  }

  private static Map<String, String> read(
      RegistryClient registry, Reference repository, Descriptor layer) throws IOException {
    Map<String, String> files = new TreeMap<>();
    var name = layer.digest().toString();
    try (var blob = registry.openBlob(repository, layer);
        var tar = TarReader.ofLayer(Decompression.open(blob, name), name)) {
      for (var event = tar.next(); event.isPresent(); event = tar.next()) {
        switch (event.get()) {
          case LayerEvent.Entry entry -> {
            boolean small = entry.meta().size() <= SMALL;
            files.put(
                entry.meta().path(),
                small
                    ? new String(entry.content().readAllBytes(), StandardCharsets.UTF_8)
                    : entry.meta().size() + " bytes");
          }
          case LayerEvent.Whiteout whiteout -> files.put(whiteout.path(), "removed");
          case LayerEvent.Opaque opaque -> files.put(opaque.directory(), "emptied first");
        }
      }
    }
    return files;
  }

  /** A small file's text, from the topmost layer that has it. */
  Optional<String> text(String path) {
    return files.reversed().stream()
        .filter(layer -> layer.containsKey(path))
        .map(layer -> layer.get(path))
        .findFirst();
  }

  /** In words: digest, platform, command, and what each layer holds. */
  String describe() {
    var out = new StringBuilder();
    out.append("digest   ").append(digest).append('\n');
    out.append("platform ").append(config.os()).append('/').append(config.architecture());
    if (config.config() != null && config.config().cmd() != null) {
      out.append(", command ").append(config.config().cmd());
    }
    out.append('\n');
    for (int i = 0; i < files.size(); i++) {
      var layer = manifest.layers().get(i);
      var names = files.get(i).keySet().stream().filter(path -> !path.isEmpty()).toList();
      out.append(
          "layer %d  %s %,d bytes: %s%s%n"
              .formatted(
                  i + 1,
                  layer.digest().shortHex(),
                  layer.size(),
                  String.join(" ", names.subList(0, Math.min(4, names.size()))),
                  names.size() > 4 ? " and %d more".formatted(names.size() - 4) : ""));
    }
    return out.toString();
  }
}
