package build.kiln.runtime.cli;

import build.kiln.runtime.cli.LocalImages.LocalImage;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code kiln inspect}: a JSON array, with docker's names. */
final class InspectCommand extends ImageCommand {
  private List<String> images = List.of();
  private boolean raw;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Prints what is known of images of the local store, as JSON.")
        .parameters(
            "IMAGE",
            "A name, or the start of a digest; docker://NAME is in its registry.",
            values -> images = values)
        .flag("--raw", "Print the manifest, byte for byte.", on -> raw = on);
  }

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    var local = new LocalImages(engine.store());
    var found = new ArrayList<LocalImage>();
    if (raw) {
      for (String text : images) {
        System.out.write(raw(engine, local, text));
      }
      System.out.flush();
      return;
    }
    for (String text : images) {
      if (RemoteName.parse(text).isPresent()) {
        throw CommandFailure.usage(
            text
                + ": of an image in a registry --raw prints the manifest; kiln pull brings it here");
      }
      found.add(local.find(text));
    }
    List<Map<String, Object>> all = found.stream().map(InspectCommand::json).toList();
    byte[] text = Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(all);
    System.out.println(new String(text, StandardCharsets.UTF_8));
  }

  private static byte[] raw(Engine engine, LocalImages local, String text)
      throws CommandFailure, IOException {
    Optional<Reference> remote = RemoteName.parse(text);
    return remote.isPresent()
        ? engine.registry().fetchManifest(remote.get()).bytes()
        : engine.store().read(local.find(text).descriptor());
  }

  private static Map<String, Object> json(LocalImage image) {
    ImageConfig config = image.config();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("Id", image.descriptor().digest().toString());
    json.put("RepoTags", image.names().stream().map(Reference::toString).toList());
    json.put(
        "RepoDigests",
        image.names().stream()
            .map(name -> name.name() + "@" + image.descriptor().digest())
            .distinct()
            .toList());
    put(json, "Created", config.created());
    put(json, "Author", config.author());
    json.put("Architecture", config.architecture());
    put(json, "Variant", config.variant());
    json.put("Os", config.os());
    json.put("Size", image.size());
    put(json, "Config", config.config());
    json.put(
        "RootFS",
        Map.of(
            "Type",
            "layers",
            "Layers",
            config.rootfs().diffIds().stream().map(Object::toString).toList()));
    json.put("Descriptor", image.descriptor());
    return json;
  }

  private static void put(Map<String, Object> json, String key, @Nullable Object value) {
    if (value != null) {
      json.put(key, value);
    }
  }
}
