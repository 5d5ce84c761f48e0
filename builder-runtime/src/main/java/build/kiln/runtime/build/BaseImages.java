package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
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
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Looks images up that stages are based on or copy from: manifest and configuration, no layers. */
final class BaseImages {
  private final BuildEnvironment environment;
  private final Downloads downloads;
  private final Platform platform;
  private final boolean pull;

  /**
   * An image to build on.
   *
   * @param name as asked for
   * @param manifest of the platform
   * @param layers base first; their blobs may be in the registry only
   */
  record BaseImage(Reference name, Descriptor manifest, ImageConfig config, List<Layer> layers) {
    BaseImage {
      layers = List.copyOf(layers);
    }

    Digest digest() {
      return manifest.digest();
    }

    /** The name with the digest. */
    String pinned() {
      return name + (name.digest() == null ? "@" + digest() : "");
    }
  }

  /**
   * @param pull whether to ask the registry even if the local store has an image of the name
   */
  BaseImages(BuildEnvironment environment, Downloads downloads, Platform platform, boolean pull) {
    this.environment = environment;
    this.downloads = downloads;
    this.platform = platform;
    this.pull = pull;
  }

  /**
   * Looks an image up.
   *
   * @param text as the Dockerfile has it
   */
  BaseImage find(String text, BuildProgress.Activity activity) throws BuildException {
    Reference name;
    try {
      name = Reference.parse(text).withDefaultTag();
    } catch (OciException e) {
      throw new BuildException(FailureReason.DockerfileInvalid, Failures.message(e), e);
    }
    if (!environment.allowedBases().test(name)) {
      throw new BuildException(
          FailureReason.RegistryNotAllowed,
          "the installation does not allow base images of %s; ask its administrators, or use an image they allow (allowedBases)"
              .formatted(name.name()));
    }
    try {
      return image(name, activity);
    } catch (OciException e) {
      throw new BuildException(
          FailureReason.BaseImageNotFound, "%s is no image: %s".formatted(name, e.getMessage()), e);
    } catch (IOException e) {
      throw Failures.pulling(name.toString(), e);
    }
  }

  private BaseImage image(Reference name, BuildProgress.Activity activity)
      throws IOException, BuildException {
    FetchedManifest found = manifest(name);
    if (MediaTypes.isIndex(found.descriptor().mediaType())) {
      Index index = Json.read(found.bytes(), Index.class, name.toString());
      Descriptor chosen =
          index.select(platform).orElseThrow(() -> noPlatform(name, platforms(index)));
      found = document(name.withDigest(chosen.digest()), chosen);
    }
    Manifest manifest = Json.read(found.bytes(), Manifest.class, name.toString());
    downloads.require(name, manifest.config(), activity);
    ImageConfig config =
        Json.read(
            environment.store().read(manifest.config()),
            ImageConfig.class,
            "the configuration of " + name);
    if (!platform.accepts(config.platform())) {
      throw noPlatform(name, config.platform().toString());
    }
    return new BaseImage(name, found.descriptor(), config, layers(name, manifest, config));
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
    environment.store().put(fetched.descriptor(), new ByteArrayInputStream(fetched.bytes()));
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

  private BuildException noPlatform(Reference name, String has) {
    return new BuildException(
        FailureReason.BaseImageNotFound,
        "%s is not there for %s; it is for %s".formatted(name, platform, has));
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
