package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What the commands about the local store's contents have in common: they reach no registry. */
abstract class StoreCommand implements Command {
  private @Nullable Path folder;

  @Override
  public void syntax(Syntax syntax) {
    syntax.store(path -> folder = path);
  }

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
