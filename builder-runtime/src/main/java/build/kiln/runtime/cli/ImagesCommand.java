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
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln images}. */
@Command(
    name = "images",
    description = "Lists the images of the local store.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ImagesCommand extends ImageCommand {
  /** How images are listed. */
  enum Format {
    table,
    json
  }

  @Parameters(
      paramLabel = "REPOSITORY[:TAG]",
      arity = "0..1",
      description = "Only these. Default: all.")
  private @Nullable String only;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print the digests only.")
  private boolean quiet;

  @Option(names = "--no-trunc", description = "Print digests in full.")
  private boolean whole;

  @Option(
      names = "--format",
      paramLabel = "HOW",
      description = "${COMPLETION-CANDIDATES}; json is one object a line. Default: table.")
  private Format format = Format.table;

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
