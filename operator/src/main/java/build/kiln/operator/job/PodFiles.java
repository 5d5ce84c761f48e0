package build.kiln.operator.job;

import build.kiln.api.work.BuilderPaths;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.KeyToPathBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import io.fabric8.kubernetes.api.model.VolumeProjectionBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The volumes that every pod has: its order and its Secrets, as {@link BuilderPaths} says. */
public final class PodFiles {
  private static final String WORK_DIRECTORY = "/kiln/work";

  /** Read by the owner only; kubelet adds the group where the pod has an fsGroup. */
  private static final int SECRET_MODE = 0400;

  private PodFiles() {}

  /**
   * The order and the trusted certificates.
   *
   * @param order the name of the ConfigMap
   * @param caFiles names of files of trusted certificates in it
   */
  public static Volume work(String order, List<String> caFiles) {
    List<KeyToPath> items = new ArrayList<>();
    items.add(item(Orders.KEY, Orders.KEY));
    for (var file : caFiles) {
      items.add(item(Orders.CA_PREFIX + file, "ca/" + file));
    }
    return new VolumeBuilder()
        .withName("work")
        .withNewConfigMap()
        .withName(order)
        .withItems(items)
        .endConfigMap()
        .build();
  }

  /** Where {@link #work} is mounted. */
  public static VolumeMount workMount() {
    return mount("work", WORK_DIRECTORY, true);
  }

  /** The Secrets; empty if there are none. */
  public static Optional<Volume> secrets(SecretFiles secrets) {
    return secrets.folders().isEmpty()
        ? Optional.empty()
        : Optional.of(
            new VolumeBuilder()
                .withName("secrets")
                .withNewProjected()
                .withDefaultMode(SECRET_MODE)
                .withSources(projections(secrets))
                .endProjected()
                .build());
  }

  /** Where {@link #secrets} is mounted; empty if there are none. */
  public static Optional<VolumeMount> secretsMount(SecretFiles secrets) {
    return secrets.folders().isEmpty()
        ? Optional.empty()
        : Optional.of(mount("secrets", BuilderPaths.SECRETS, true));
  }

  private static List<VolumeProjection> projections(SecretFiles secrets) {
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

  /** A mount of a volume. */
  public static VolumeMount mount(String name, String path, @Nullable Boolean readOnly) {
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
