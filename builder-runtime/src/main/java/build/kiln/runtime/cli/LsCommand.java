package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln ls}. */
@Command(
    name = "ls",
    description = "Lists the tags of a repository in its registry.",
    mixinStandardHelpOptions = true)
final class LsCommand extends RemoteCommand {
  @Parameters(paramLabel = "REPOSITORY", description = "As registry/name.")
  private String repository = "";

  @Option(names = "--json", description = "Print {\"repository\", \"tags\"} as one JSON object.")
  private boolean json;

  @Option(
      names = "--full",
      description = "Print whole names, registry and repository before each tag.")
  private boolean full;

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
