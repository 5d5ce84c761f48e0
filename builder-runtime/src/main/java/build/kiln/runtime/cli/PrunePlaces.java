package build.kiln.runtime.cli;

import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;

/** Where a policy's run finds what is in use, keeps what it must know again, and is shown. */
interface PrunePlaces {
  /** What a run works with. */
  PolicyRun.Tools tools(RegistryClient client) throws IOException;

  /** Shows what a run came to. */
  void show(PolicyRun.Ended ended);

  /** Keeps the whole report, and says where it is. */
  String keep(ReportFile report) throws IOException;
}
