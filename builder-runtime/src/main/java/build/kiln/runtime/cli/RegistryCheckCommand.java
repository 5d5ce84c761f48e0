package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Capability;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code kiln registry check}. */
final class RegistryCheckCommand extends RemoteCommand {
  private String target = "";
  private boolean write;
  private boolean json;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Tells what a registry is and can do.",
            "Of a HOST: its API, how it wants logins, its catalog. Of a HOST/REPOSITORY also: tag lists.",
            "With --write it pushes some KiB to the repository (blobs, three manifests, the tag",
            "kiln-check-*, a mounted blob to REPOSITORY/kiln-check), deletes them, and says what is left.")
        .parameter("HOST[/REPOSITORY]", "What to look at.", text -> target = text)
        .flag(
            "--write",
            "Also try uploads, mounts, referrers and deletes; needs a REPOSITORY.",
            on -> write = on)
        .flag("--json", "Print a JSON array of {name, answer, detail}.", on -> json = on);
  }

  @Override
  void run(Desk desk) throws CommandFailure, IOException {
    String bare = target.strip().replaceFirst("^(https?|docker)://", "");
    int slash = bare.indexOf('/');
    boolean hostOnly = slash < 0 || slash == bare.length() - 1;
    String host = Registries.host(slash < 0 ? bare : bare.substring(0, slash));
    if (hostOnly && write) {
      throw CommandFailure.usage("--write needs a repository to write to: HOST/REPOSITORY");
    }
    List<Capability> found = new ArrayList<>();
    try (RegistryClient client = client(desk)) {
      found.addAll(client.probe(host));
      if (!hostOnly && found.getFirst().answer() == Capability.Answer.YES) {
        Reference name = RemoteName.repository(host + bare.substring(slash));
        found.addAll(client.probe(name, write));
      }
    }
    print(host, found);
    if (found.getFirst().answer() != Capability.Answer.YES) {
      throw new CommandFailure(
          ExitCode.USER,
          host + " is no registry: " + found.getFirst().detail() + "; check the address");
    }
    if (!json && !write) {
      System.err.println(
          hostOnly
              ? "kiln: HOST/REPOSITORY --write finds out about uploads, mounts, referrers and deletes"
              : "kiln: --write finds out about uploads, mounts, referrers and deletes");
    }
  }

  private void print(String host, List<Capability> found) {
    if (json) {
      System.out.println(new String(Json.write(found), StandardCharsets.UTF_8));
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("OF " + host, "IS THERE", "SEEN"));
    for (Capability each : found) {
      rows.add(List.of(each.name(), each.answer().name().toLowerCase(Locale.ROOT), each.detail()));
    }
    Table.print(System.out, rows);
  }
}
