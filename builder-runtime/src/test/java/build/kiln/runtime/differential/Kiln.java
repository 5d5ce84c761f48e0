package build.kiln.runtime.differential;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildContexts;
import build.kiln.runtime.build.BuildEnvironment;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.BuildRequest;
import build.kiln.runtime.build.BuildResult;
import build.kiln.runtime.build.BuildSecrets;
import build.kiln.runtime.build.Builder;
import build.kiln.runtime.build.SandboxSource;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.differential.LayerEntries.Entry;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.RetryPolicy;
import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxConfig;
import build.kiln.runtime.sandbox.SandboxException;
import build.kiln.runtime.sandbox.Sandboxes;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Kiln's engine, in this process, with base images that it got from the Docker daemon. */
final class Kiln implements AutoCloseable {
  private final LocalStore store;
  private final RegistryClient registry;
  private final Sandbox sandbox;
  private final Path scratch;
  private final Map<Digest, List<Entry>> layers = new HashMap<>();

  private Kiln(LocalStore store, RegistryClient registry, Sandbox sandbox, Path scratch) {
    this.store = store;
    this.registry = registry;
    this.sandbox = sandbox;
    this.scratch = scratch;
  }

  /**
   * @throws SandboxException if RUN cannot be isolated here
   */
  static Kiln open(Path folder) throws IOException, SandboxException, InterruptedException {
    LocalStore store = LocalStore.open(folder.resolve("store"));
    Sandbox sandbox =
        Sandboxes.choose(Isolation.Auto, SandboxConfig.of(store.scratch("steps"), true));
    var registry =
        new RegistryClient(
            RegistryConfig.builder().retry(RetryPolicy.NONE).build(), Credentials.anonymous());
    return new Kiln(store, registry, sandbox, store.scratch("roots"));
  }

  /** Takes an image over from the daemon, byte for byte. */
  void take(String name) throws IOException, InterruptedException {
    var index = new ArrayList<Index>();
    BuildKit.save(
        List.of(name),
        (entry, content) -> {
          if (entry.getName().equals("index.json")) {
            index.add(Json.read(content.readAllBytes(), Index.JSON, "docker save"));
          } else if (entry.getName().startsWith("blobs/sha256/") && !entry.isDirectory()) {
            String hex = entry.getName().substring("blobs/sha256/".length());
            var blob =
                Descriptor.of(
                    "application/octet-stream", Digest.parse("sha256:" + hex), entry.getSize());
            store.put(blob, content);
          }
        });
    store.tag(Reference.parse(name), index.getFirst().manifests().getFirst());
  }

  /** Builds a case. */
  Image build(Case test, Path context) throws BuildException, IOException, InterruptedException {
    byte[] dockerfile = Files.readAllBytes(context.resolve(test.dockerfile()));
    var environment =
        new BuildEnvironment(
            store,
            registry,
            GitAccess.anonymous(),
            new SandboxSource() {
              @Override
              public Sandbox get() {
                return sandbox;
              }
            },
            scratch,
            reference -> true);
    Map<String, BuildContext> folders = new HashMap<>();
    Map<String, String> images = new HashMap<>();
    for (var named : test.contexts().entrySet()) {
      String value = named.getValue();
      if (value.startsWith(Case.IMAGE)) {
        images.put(named.getKey(), value.substring(Case.IMAGE.length()));
      } else {
        folders.put(named.getKey(), LocalContext.open(context.resolve(value)));
      }
    }
    try (LocalContext files = LocalContext.open(context)) {
      var request =
          new BuildRequest(
              SourceFile.of(test.dockerfile(), dockerfile),
              test.dockerfile(),
              null,
              files,
              test.target(),
              test.buildArgs(),
              Map.of(),
              test.platform() == null ? Platform.host() : Platform.parse(test.platform()),
              false,
              false,
              Compression.GZIP,
              test.labels(),
              Map.of(),
              BuildSecrets.none(),
              new BuildContexts(folders, images, Map.of()));
      return image(new Builder(environment).build(request, new BuildProgress(event -> {})));
    } finally {
      for (BuildContext folder : folders.values()) {
        folder.close();
      }
    }
  }

  private Image image(BuildResult result) throws IOException {
    var files = new ArrayList<List<Entry>>();
    for (Descriptor layer : result.layers()) {
      List<Entry> known = layers.get(layer.digest());
      if (known == null) {
        try (InputStream in = store.open(layer.digest())) {
          known = LayerEntries.read(in);
        }
        layers.put(layer.digest(), known);
      }
      files.add(known);
    }
    byte[] config = store.read(result.manifest().config());
    return new Image(Objects.requireNonNull(Json.tree(new ByteArrayInputStream(config))), files);
  }

  @Override
  public void close() throws IOException {
    registry.close();
    store.close();
  }
}
