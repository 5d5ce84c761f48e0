package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the commands about images of the local store have in common. */
abstract class ImageCommand implements Command {
  private List<String> insecure = List.of();
  private @Nullable Path storeFolder;

  @Override
  public void syntax(Syntax syntax) {
    syntax.insecureRegistries(values -> insecure = values).store(path -> storeFolder = path);
  }

  /** Does what the command is for; what goes wrong becomes an exit code here. */
  abstract void run(Engine engine, Desk desk)
      throws CommandFailure, BuildException, IOException, InterruptedException;

  /** Whether the local store is needed, which takes as long to open as a few requests do. */
  boolean needsStore() throws CommandFailure {
    return true;
  }

  /** As {@link #run}, where the store is not needed. */
  void runWithoutStore(RegistryClient registry) throws CommandFailure, IOException {
    throw new IllegalStateException("this command needs the store");
  }

  @Override
  public final Integer call() throws CommandFailure {
    Desk desk = Desk.ofThisProcess();
    if (!needsStore()) {
      try (var registry = new RegistryClient(desk.registry(insecure), desk.credentials())) {
        runWithoutStore(registry);
        return ExitCode.OK.code();
      } catch (IOException e) {
        throw CommandFailure.of(e);
      }
    }
    var setup =
        new Engine.Setup(
            storeFolder == null ? desk.store() : storeFolder,
            null,
            desk.registry(insecure),
            desk.credentials(),
            desk.git(),
            Isolation.NoRun,
            false,
            reference -> true);
    try (Engine engine = Engine.open(setup)) {
      run(engine, desk);
      return ExitCode.OK.code();
    } catch (BuildException e) {
      throw new CommandFailure(
          ExitCodes.of(e.reason(), Isolation.NoRun), String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw CommandFailure.of(e);
    } catch (InterruptedException e) {
      throw new CommandFailure(ExitCode.INFRASTRUCTURE, "the command was ended", e);
    }
  }
}
