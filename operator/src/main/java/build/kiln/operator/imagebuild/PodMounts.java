package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec.Cache;
import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.job.PodFiles;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The volumes of a builder pod, laid out as {@link BuilderPaths} says.
 *
 * @param order the ConfigMap with the work order and the trusted certificates
 * @param caFiles names of the certificates' keys in it
 */
record PodMounts(
    ImageBuild build, String order, SecretFiles secrets, List<String> caFiles, Settings settings) {
  List<Volume> volumes() {
    List<Volume> volumes = new ArrayList<>();
    volumes.add(PodFiles.work(order, caFiles));
    volumes.add(
        new VolumeBuilder()
            .withName("workspace")
            .withNewEmptyDir()
            .withSizeLimit(workspaceSize())
            .endEmptyDir()
            .build());
    cache()
        .ifPresent(
            cache ->
                volumes.add(
                    new VolumeBuilder()
                        .withName("cache")
                        .withNewPersistentVolumeClaim()
                        .withClaimName(cache.claimName())
                        .endPersistentVolumeClaim()
                        .build()));
    PodFiles.secrets(secrets).ifPresent(volumes::add);
    configMaps()
        .forEach(
            (volume, map) ->
                volumes.add(
                    new VolumeBuilder()
                        .withName(volume)
                        .withNewConfigMap()
                        .withName(map)
                        .endConfigMap()
                        .build()));
    return volumes;
  }

  List<VolumeMount> mounts() {
    List<VolumeMount> mounts = new ArrayList<>();
    mounts.add(PodFiles.workMount());
    mounts.add(PodFiles.mount("workspace", BuilderPaths.WORKSPACE, null));
    cache()
        .ifPresent(
            cache ->
                mounts.add(
                    new VolumeMountBuilder(PodFiles.mount("cache", BuilderPaths.CACHE, null))
                        .withSubPath(cache.subPath())
                        .build()));
    PodFiles.secretsMount(secrets).ifPresent(mounts::add);
    configMaps()
        .forEach(
            (volume, map) ->
                mounts.add(PodFiles.mount(volume, BuilderPaths.CONFIG_MAPS + "/" + map, true)));
    return mounts;
  }

  /** The ConfigMaps whose keys are files of a context, each once, by the volume's name. */
  private Map<String, String> configMaps() {
    var names =
        Sources.of(build.getSpec()).stream()
            .flatMap(source -> Stream.ofNullable(source.configMap()))
            .map(ConfigMapSource::name)
            .distinct()
            .toList();
    Map<String, String> byVolume = new LinkedHashMap<>();
    for (var name : names) {
      byVolume.put(byVolume.isEmpty() ? "source" : "source-" + byVolume.size(), name);
    }
    return byVolume;
  }

  private Optional<VolumeCache> cache() {
    return Optional.ofNullable(build.getSpec().cache())
        .filter(cache -> !cache.disabled())
        .map(Cache::volume);
  }

  private @Nullable Quantity workspaceSize() {
    var workspace = build.getSpec().workspace();
    return workspace == null || workspace.size() == null
        ? settings.defaults().workspaceSize()
        : workspace.size();
  }
}
