package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code kiln ls}. */
final class LsCommand extends RemoteCommand {
  private String repository = "";
  private boolean json;
  private boolean full;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about("Lists the tags of a repository in its registry.")
        .sorted()
        .parameter("REPOSITORY", "As registry/name.", text -> repository = text)
        .flag("--json", "Print {\"repository\", \"tags\"} as one JSON object.", on -> json = on)
        .flag(
            "--full",
            "Print whole names, registry and repository before each tag.",
            on -> full = on);
  }

  @Override
  void run(Desk desk) throws CommandFailure, IOException {
    Reference name = RemoteName.repository(repository);
    List<String> tags;
    try (RegistryClient client = client(desk)) {
      tags = client.listTags(name);
    }
    if (json) {
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("repository", name.name());
      all.put("tags", tags);
      System.out.println(new String(Json.write(all), StandardCharsets.UTF_8));
      return;
    }
    var out = new StringBuilder();
    tags.forEach(tag -> out.append(full ? name.withTag(tag).toString() : tag).append('\n'));
    System.out.print(out);
    System.out.flush();
  }
}
