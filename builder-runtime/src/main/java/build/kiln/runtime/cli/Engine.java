package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildEnvironment;
import build.kiln.runtime.build.SandboxSource;
import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.context.StatCache;
import build.kiln.runtime.layer.LayerWriter;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.sandbox.Earlier;
import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxConfig;
import build.kiln.runtime.sandbox.SandboxException;
import build.kiln.runtime.sandbox.Sandboxes;
import build.kiln.runtime.store.ContextHashes;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What a command builds with; closes what it opens. */
final class Engine implements AutoCloseable {
  private final LocalStore store;
  private final RegistryClient registry;
  private final BuildEnvironment environment;
  private final Setup setup;
  private @Nullable LocalStore again;

  /**
   * How to set it up.
   *
   * @param store folder of the local store, made if it is missing
   * @param work folder for unfinished work; null for one in the store
   * @param isolation the weakest that is acceptable
   * @param allowChroot whether {@code Auto} may fall back to chroot
   */
  record Setup(
      Path store,
      @Nullable Path work,
      RegistryConfig registry,
      Credentials credentials,
      GitAccess git,
      Isolation isolation,
      boolean allowChroot,
      Predicate<Reference> allowedBases) {
    /** The same in another place. */
    Setup in(Path otherStore, @Nullable Path otherWork) {
      return new Setup(
          otherStore, otherWork, registry, credentials, git, isolation, allowChroot, allowedBases);
    }
  }

  private Engine(
      LocalStore store, RegistryClient registry, BuildEnvironment environment, Setup setup) {
    this.setup = setup;
    this.store = store;
    this.registry = registry;
    this.environment = environment;
  }

  static Engine open(Setup setup) throws IOException {
    LocalStore store = LocalStore.open(setup.store(), setup.work(), LayerWriter.onAllCores());
    RegistryClient registry = new RegistryClient(setup.registry(), setup.credentials());
    return new Engine(store, registry, environment(setup, store, registry), setup);
  }

  private static BuildEnvironment environment(
      Setup setup, LocalStore store, RegistryClient registry) throws IOException {
    return new BuildEnvironment(
        store,
        registry,
        setup.git(),
        sandboxes(setup, store),
        store.scratch("roots"),
        setup.allowedBases());
  }

  private static SandboxSource sandboxes(Setup setup, LocalStore store) {
    return new SandboxSource() {
      @Override
      public Sandbox get() throws SandboxException, InterruptedException {
        try {
          return Sandboxes.choose(
              setup.isolation(),
              SandboxConfig.of(store.scratch("steps"), setup.allowChroot()),
              new RememberedSandbox(store));
        } catch (IOException e) {
          throw new SandboxException(
              SandboxException.Code.UNAVAILABLE,
              "cannot make a folder for steps in " + store.root() + ": " + e.getMessage(),
              e);
        }
      }

      @Override
      public boolean canRun() {
        return setup.isolation() != Isolation.NoRun;
      }
    };
  }

  LocalStore store() {
    return store;
  }

  RegistryClient registry() {
    return registry;
  }

  BuildEnvironment environment() {
    return environment;
  }

  /** Opens a folder as a build context; what its files hash to is remembered in the store. */
  LocalContext openFolder(Path folder) throws IOException {
    return LocalContext.open(folder, new RememberedHashes(store, folder));
  }

  /** As a record of the store, like steps: a lost one costs a try. */
  private record RememberedSandbox(LocalStore store) implements Earlier {
    private static final String RECORD = "sandbox";

    @Override
    public Optional<String> found() {
      return store.getCache(RECORD).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    @Override
    public void keep(String circumstances) throws IOException {
      store.putCache(RECORD, circumstances.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void forget() throws IOException {
      store.removeCache(RECORD);
    }
  }

  private record RememberedHashes(LocalStore store, Path folder) implements StatCache.Storage {
    private ContextHashes kept() throws IOException {
      return store.contextHashes(folder.toRealPath());
    }

    @Override
    public Optional<ByteBuffer> load() throws IOException {
      return kept().load();
    }

    @Override
    public void save(byte[] content) throws IOException {
      kept().save(content);
    }
  }

  /**
   * For a build that is to differ from the first in all that must not matter: other folders for
   * what is unfinished, another number of threads. The blobs are the same store's.
   */
  BuildEnvironment elsewhere() throws IOException {
    if (again == null) {
      int threads = Runtime.getRuntime().availableProcessors() == 1 ? 2 : 1;
      again = LocalStore.open(setup.store(), setup.work(), new LayerWriter(threads));
    }
    return environment(setup, again, registry);
  }

  @Override
  public void close() throws IOException {
    registry.close();
    if (again != null) {
      again.close();
    }
    store.close();
  }
}
