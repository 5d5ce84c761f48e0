package build.kiln.runtime.build;

import build.kiln.runtime.build.StageRunner.BuiltStage;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Makes configuration and manifest of the target stage. */
final class Assembly {
  private Assembly() {}

  static BuildResult assemble(BuildSession session, BuiltStage built, int steps, long pulledBytes)
      throws IOException {
    BuildProgress.Activity exporting = session.progress().export("exporting to image");
    BuildRequest request = session.request();
    var draft = ConfigDraft.of(platformed(built.config(), request.platform()));
    request.labels().forEach(draft::label);
    ImageConfig config = draft.build(built.files().layers().stream().map(Layer::diffId).toList());
    Descriptor configuration =
        session.store().put(MediaTypes.OCI_CONFIG, Json.write(config, ImageConfig.JSON));
    List<Descriptor> layers =
        built.files().layers().stream().map(layer -> asOci(layer.descriptor())).toList();
    Map<String, String> annotations = request.annotations();
    Manifest manifest =
        Manifest.oci(configuration, layers, annotations.isEmpty() ? null : annotations);
    Descriptor descriptor =
        session.store().put(MediaTypes.OCI_MANIFEST, Json.write(manifest, Manifest.JSON));
    exporting.note("manifest " + descriptor.digest());
    exporting.done();
    return new BuildResult(
        descriptor,
        manifest,
        config,
        session.origins(),
        session.cache().served().keySet(),
        steps,
        session.cachedSteps(),
        pulledBytes);
  }

  /**
   * Of another platform than this machine's, which somebody asked for, the image is by name, as
   * BuildKit has it: whatever its last stage is based on. Else it is what its base is.
   */
  private static ImageConfig platformed(ImageConfig built, Platform asked) {
    return Platform.host().accepts(asked) ? built : built.withPlatform(asked);
  }

  /** The same blob by the media type that an OCI manifest has for it. */
  private static Descriptor asOci(Descriptor layer) {
    return switch (layer.mediaType()) {
      case MediaTypes.DOCKER_LAYER_GZIP -> layer.withMediaType(MediaTypes.OCI_LAYER_GZIP);
      case MediaTypes.DOCKER_LAYER -> layer.withMediaType(MediaTypes.OCI_LAYER);
      case MediaTypes.DOCKER_LAYER_ZSTD -> layer.withMediaType(MediaTypes.OCI_LAYER_ZSTD);
      default -> layer;
    };
  }
}
