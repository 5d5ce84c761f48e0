package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.OciLayout;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Looks images up that stages are based on or copy from: manifest and configuration, no layers. */
final class BaseImages {
  private final BuildEnvironment environment;
  private final Downloads downloads;
  private final Map<String, OciLayout> layouts;
  private final Platform platform;
  private final boolean pull;

  /**
   * An image to build on.
   *
   * @param name as asked for
   * @param manifest of the platform
   * @param layers base first; their blobs may be in the registry, or the layout, only
   * @param layout that it is from; null if it is from a registry
   */
  record BaseImage(
      Reference name,
      Descriptor manifest,
      ImageConfig config,
      List<Layer> layers,
      @Nullable OciLayout layout) {
    BaseImage {
      layers = List.copyOf(layers);
    }

    Digest digest() {
      return manifest.digest();
    }

    /** Brings the layers here that are only in the image's layout. */
    void copyLayers(LocalStore store) throws IOException {
      if (layout != null) {
        Concurrently.all(layers, layer -> layout.copy(layer.descriptor(), store));
      }
    }

    /** The name with the digest. */
    String pinned() {
      return name + (name.digest() == null ? "@" + digest() : "");
    }
  }

  /**
   * @param platform that images are looked up for if nothing else is said
   * @param pull whether to ask the registry even if the local store has an image of the name
   */
  BaseImages(BuildEnvironment environment, Downloads downloads, Platform platform, boolean pull) {
    this(environment, downloads, platform, pull, Map.of());
  }

  private BaseImages(
      BuildEnvironment environment,
      Downloads downloads,
      Platform platform,
      boolean pull,
      Map<String, OciLayout> layouts) {
    this.environment = environment;
    this.downloads = downloads;
    this.platform = platform;
    this.pull = pull;
    this.layouts = layouts;
  }

  /** Those of a build. */
  static BaseImages of(BuildRequest request, BuildEnvironment environment, Downloads downloads) {
    return new BaseImages(
        environment, downloads, request.platform(), request.pull(), request.contexts().layouts());
  }

  /** Looks an image up for the usual platform. */
  BaseImage find(String text, BuildProgress.Activity activity) throws BuildException {
    return find(text, platform, activity);
  }

  /** Looks an image up that a Dockerfile names. */
  BaseImage find(StageSource.Named named, BuildProgress.Activity activity) throws BuildException {
    Platform wanted = named.platform() == null ? platform : Platform.parse(named.platform());
    return find(named.name().text(), wanted, activity);
  }

  private BaseImage find(String text, Platform wanted, BuildProgress.Activity activity)
      throws BuildException {
    OciLayout layout = layouts.get(text);
    Reference name;
    try {
      name = Reference.parse(text).withDefaultTag();
    } catch (OciException e) {
      throw new BuildException(FailureReason.DockerfileInvalid, Failures.message(e), e);
    }
    if (layout == null && !environment.allowedBases().test(name)) {
      throw new BuildException(
          FailureReason.RegistryNotAllowed,
          "the installation does not allow base images of %s; ask its administrators, or use an image they allow (allowedBases)"
              .formatted(name.name()));
    }
    try {
      return image(name, wanted, layout, activity);
    } catch (OciException e) {
      throw new BuildException(
          FailureReason.BaseImageNotFound, "%s is no image: %s".formatted(name, e.getMessage()), e);
    } catch (IOException e) {
      throw Failures.pulling(name.toString(), e);
    }
  }

  private BaseImage image(
      Reference name, Platform wanted, @Nullable OciLayout layout, BuildProgress.Activity activity)
      throws IOException, BuildException {
    FetchedManifest found = layout == null ? manifest(name) : document(layout, layout.root());
    if (MediaTypes.isIndex(found.descriptor().mediaType())) {
      Index index = Json.read(found.bytes(), Index.JSON, name.toString());
      Descriptor chosen =
          index.select(wanted).orElseThrow(() -> noPlatform(name, wanted, platforms(index)));
      found =
          layout == null
              ? document(name.withDigest(chosen.digest()), chosen)
              : document(layout, chosen);
    }
    Manifest manifest = Json.read(found.bytes(), Manifest.JSON, name.toString());
    if (layout == null) {
      downloads.require(name, manifest.config(), activity);
    } else {
      layout.copy(manifest.config(), environment.store());
    }
    ImageConfig config =
        Json.read(
            environment.store().read(manifest.config()),
            ImageConfig.JSON,
            "the configuration of " + name);
    if (!wanted.accepts(config.platform())) {
      throw noPlatform(name, wanted, config.platform().toString());
    }
    return new BaseImage(name, found.descriptor(), config, layers(name, manifest, config), layout);
  }

  private FetchedManifest document(OciLayout layout, Descriptor wanted) throws IOException {
    layout.copy(wanted, environment.store());
    return new FetchedManifest(environment.store().read(wanted), wanted);
  }

  private FetchedManifest manifest(Reference name) throws IOException {
    LocalStore store = environment.store();
    if (!pull || name.digest() != null) {
      Optional<Descriptor> local = store.resolve(name);
      if (local.isPresent()) {
        return new FetchedManifest(store.read(local.get()), local.get());
      }
    }
    return keep(environment.registry().fetchManifest(name));
  }

  /** One of an index's manifests: from the store, or the registry. */
  private FetchedManifest document(Reference name, Descriptor wanted) throws IOException {
    if (environment.store().has(wanted)) {
      return new FetchedManifest(environment.store().read(wanted), wanted);
    }
    return keep(environment.registry().fetchManifest(name));
  }

  private FetchedManifest keep(FetchedManifest fetched) throws IOException {
    if (!environment.store().has(fetched.descriptor())) {
      environment.store().put(fetched.descriptor(), new ByteArrayInputStream(fetched.bytes()));
    }
    downloads.counted(fetched.bytes().length);
    return fetched;
  }

  private static List<Layer> layers(Reference name, Manifest manifest, ImageConfig config) {
    List<Digest> diffIds = config.rootfs().diffIds();
    if (diffIds.size() != manifest.layers().size()) {
      throw new OciException(
          "%s has %d layers in its manifest but %d in its configuration"
              .formatted(name, manifest.layers().size(), diffIds.size()));
    }
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < diffIds.size(); i++) {
      layers.add(new Layer(manifest.layers().get(i), diffIds.get(i)));
    }
    return layers;
  }

  private static BuildException noPlatform(Reference name, Platform wanted, String has) {
    return new BuildException(
        FailureReason.BaseImageNotFound,
        "%s is not there for %s; it is for %s".formatted(name, wanted, has));
  }

  private static String platforms(Index index) {
    String all =
        index.manifests().stream()
            .flatMap(m -> Optional.ofNullable(m.platform()).stream())
            .map(Platform::toString)
            .filter(p -> !p.startsWith("unknown"))
            .distinct()
            .collect(Collectors.joining(", "));
    return all.isEmpty() ? "no platform at all" : all;
  }
}
