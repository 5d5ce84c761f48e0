package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreUsage;
import build.kiln.runtime.store.StoreUsage.Row;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code kiln system df}. */
final class SystemDfCommand extends StoreCommand {
  /** How it is printed. */
  enum Format {
    table,
    json
  }

  private Format format = Format.table;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Shows what the local store holds. Blobs that images have in common count once.",
            "Active is what running builds have used.")
        .choice(
            "--format=HOW",
            "${COMPLETION-CANDIDATES}; json is one object a line. Default: table.",
            Format.class,
            value -> format = value);
  }

  @Override
  void run(LocalStore store) throws IOException {
    StoreUsage usage = StoreUsage.of(store);
    Map<String, Row> rows = new LinkedHashMap<>();
    rows.put("Images", usage.images());
    rows.put("Build Cache", usage.cache());
    rows.put("Cache Mounts", usage.mounts());
    if (format == Format.json) {
      rows.forEach(
          (type, row) ->
              System.out.println(new String(Json.write(json(type, row)), StandardCharsets.UTF_8)));
      return;
    }
    var table = new ArrayList<List<String>>();
    table.add(List.of("TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"));
    rows.forEach(
        (type, row) ->
            table.add(
                List.of(
                    type,
                    Integer.toString(row.total()),
                    Integer.toString(row.active()),
                    Table.size(row.size()),
                    reclaimable(row))));
    Table.print(System.out, table);
  }

  private static String reclaimable(Row row) {
    long percent = row.size() == 0 ? 0 : row.reclaimable() * 100 / row.size();
    return "%s (%d%%)".formatted(Table.size(row.reclaimable()), percent);
  }

  private static Map<String, Object> json(String type, Row row) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("Type", type);
    json.put("TotalCount", row.total());
    json.put("Active", row.active());
    json.put("Size", row.size());
    json.put("Reclaimable", row.reclaimable());
    return json;
  }
}
