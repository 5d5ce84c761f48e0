package build.kiln.runtime.cli;

import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.io.PrintStream;

/** At a desk: files say what is in use, and hold all that is kept. */
record DeskPrunePlaces(PruneUseOptions options, DeskUse use, PrintStream out)
    implements PrunePlaces {
  @Override
  public PolicyRun.Tools tools(RegistryClient client) throws IOException {
    return options.tools(client, use, outcome -> out.println(PruneText.line(outcome)));
  }

  @Override
  public void show(PolicyRun.Ended ended) {
    PruneText.print(ended, out);
  }

  @Override
  public String keep(ReportFile report) throws IOException {
    return PruneReportCommand.keep(options.state(), report).toString();
  }
}
