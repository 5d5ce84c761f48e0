package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec.Cache;
import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.KeyToPathBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import io.fabric8.kubernetes.api.model.VolumeProjectionBuilder;
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
  static final String ORDER_KEY = "order.json";

  /** The folder of trusted certificates in the pod. */
  static final String CA_DIRECTORY = "/kiln/work/ca";

  /** Before the names of certificates in the ConfigMap, so that none can take the order's place. */
  static final String CA_PREFIX = "ca.";

  private static final String WORK_DIRECTORY = "/kiln/work";

  /** Read by the owner only; kubelet adds the group where the pod has an fsGroup. */
  private static final int SECRET_MODE = 0400;

  List<Volume> volumes() {
    List<Volume> volumes = new ArrayList<>();
    volumes.add(work());
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
    if (!secrets.folders().isEmpty()) {
      volumes.add(
          new VolumeBuilder()
              .withName("secrets")
              .withNewProjected()
              .withDefaultMode(SECRET_MODE)
              .withSources(projections())
              .endProjected()
              .build());
    }
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
    mounts.add(mount("work", WORK_DIRECTORY, true));
    mounts.add(mount("workspace", BuilderPaths.WORKSPACE, null));
    cache()
        .ifPresent(
            cache ->
                mounts.add(
                    new VolumeMountBuilder(mount("cache", BuilderPaths.CACHE, null))
                        .withSubPath(cache.subPath())
                        .build()));
    if (!secrets.folders().isEmpty()) {
      mounts.add(mount("secrets", BuilderPaths.SECRETS, true));
    }
    configMaps()
        .forEach(
            (volume, map) -> mounts.add(mount(volume, BuilderPaths.CONFIG_MAPS + "/" + map, true)));
    return mounts;
  }

  private Volume work() {
    List<KeyToPath> items = new ArrayList<>();
    items.add(item(ORDER_KEY, ORDER_KEY));
    for (var file : caFiles) {
      items.add(item(CA_PREFIX + file, "ca/" + file));
    }
    return new VolumeBuilder()
        .withName("work")
        .withNewConfigMap()
        .withName(order)
        .withItems(items)
        .endConfigMap()
        .build();
  }

  private List<VolumeProjection> projections() {
    List<VolumeProjection> sources = new ArrayList<>();
    secrets
        .folders()
        .forEach(
            (folder, byName) ->
                byName.forEach(
                    (name, keys) ->
                        sources.add(
                            new VolumeProjectionBuilder()
                                .withNewSecret()
                                .withName(name)
                                .withItems(
                                    keys.stream()
                                        .map(key -> item(key, folder + "/" + name + "/" + key))
                                        .toList())
                                .endSecret()
                                .build())));
    return sources;
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

  private static VolumeMount mount(String name, String path, @Nullable Boolean readOnly) {
    return new VolumeMountBuilder()
        .withName(name)
        .withMountPath(path)
        .withReadOnly(readOnly)
        .build();
  }

  private static KeyToPath item(String key, String path) {
    return new KeyToPathBuilder().withKey(key).withPath(path).build();
  }
}
