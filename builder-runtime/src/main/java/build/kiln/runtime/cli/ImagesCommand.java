package build.kiln.runtime.cli;

import build.kiln.runtime.cli.LocalImages.LocalImage;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore.Tagged;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code kiln images}. */
final class ImagesCommand extends ImageCommand {
  /** How images are listed. */
  enum Format {
    table,
    json
  }

  private @Nullable String only;
  private boolean quiet;
  private boolean whole;
  private Format format = Format.table;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Lists the images of the local store.")
        .optionalParameter("REPOSITORY[:TAG]", "Only these. Default: all.", text -> only = text)
        .flag("-q, --quiet", "Print the digests only.", on -> quiet = on)
        .flag("--no-trunc", "Print digests in full.", on -> whole = on)
        .choice(
            "--format=HOW",
            "${COMPLETION-CANDIDATES}; json is one object a line. Default: table.",
            Format.class,
            value -> format = value);
  }

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    var rows = new ArrayList<List<String>>();
    rows.add(List.of("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"));
    for (Map.Entry<Tagged, LocalImage> entry : new LocalImages(engine.store()).all().entrySet()) {
      Reference name = entry.getKey().name();
      if (!wanted(name)) {
        continue;
      }
      LocalImage image = entry.getValue();
      if (quiet) {
        System.out.println(id(image));
      } else if (format == Format.json) {
        System.out.println(new String(Json.write(json(name, image)), StandardCharsets.UTF_8));
      } else {
        rows.add(
            List.of(
                name.name(),
                name.tag() == null ? "<none>" : name.tag(),
                id(image),
                Table.ago(image.config().created(), Clock.systemUTC()),
                Table.size(image.size())));
      }
    }
    if (!quiet && format == Format.table) {
      Table.print(System.out, rows);
    }
  }

  private boolean wanted(Reference name) throws CommandFailure {
    if (only == null) {
      return true;
    }
    Reference wanted = LocalImages.name(only);
    boolean anyTag = only.indexOf(':', only.lastIndexOf('/') + 1) < 0;
    return name.name().equals(wanted.name())
        && (anyTag || name.identifier().equals(wanted.identifier()));
  }

  private String id(LocalImage image) {
    var digest = image.descriptor().digest();
    return whole ? digest.toString() : digest.hex().substring(0, 12);
  }

  private static Map<String, Object> json(Reference name, LocalImage image) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("Repository", name.name());
    json.put("Tag", name.tag());
    json.put("Digest", image.descriptor().digest().toString());
    json.put("Created", image.config().created());
    json.put("Size", image.size());
    return json;
  }
}
