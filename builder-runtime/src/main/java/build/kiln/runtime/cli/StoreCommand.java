package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the commands about the local store's contents have in common: they reach no registry. */
abstract class StoreCommand implements Callable<Integer> {
  @Option(names = "--store", paramLabel = "DIR", description = "The local store's folder.")
  private @Nullable Path folder;

  /** Does what the command is for. */
  abstract void run(LocalStore store) throws CommandFailure, IOException;

  @Override
  public final Integer call() throws CommandFailure {
    Path path = folder == null ? Desk.ofThisProcess().store() : folder;
    try (LocalStore store = LocalStore.open(path)) {
      run(store);
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw CommandFailure.of(e);
    }
  }
}
