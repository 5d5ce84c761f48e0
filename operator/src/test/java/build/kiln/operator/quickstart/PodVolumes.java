package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A pod's volumes as folders of this machine: a builder pod runs as a process, which is told where
 * they lie. ConfigMaps, Secrets, projections of both, and empty folders are known.
 *
 * @param root each mount path of the container is a folder below it
 */
record PodVolumes(Path root) {
  private static final String DIRECTORY = "rwx------";

  /**
   * Writes the volumes of a pod's only container.
   *
   * @throws IOException if a volume is of a kind that is not known here, or names what is missing
   */
  static PodVolumes write(KubernetesClient client, Pod pod, Path root) throws IOException {
    var volumes = new PodVolumes(root);
    var container = pod.getSpec().getContainers().getFirst();
    for (var mount : container.getVolumeMounts()) {
      var folder = volumes.onHost(mount.getMountPath());
      Files.createDirectories(
          folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(DIRECTORY)));
      var volume =
          pod.getSpec().getVolumes().stream()
              .filter(candidate -> candidate.getName().equals(mount.getName()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IOException(
                          "pod %s mounts a volume \"%s\" that it does not have"
                              .formatted(pod.getMetadata().getName(), mount.getName())));
      for (var file :
          new Reader(client, pod.getMetadata().getNamespace()).files(volume).entrySet()) {
        write(folder, file.getKey(), file.getValue());
      }
    }
    return volumes;
  }

  /** Where a path of the container is on this machine. */
  Path onHost(String path) {
    return root.resolve(path.substring(1));
  }

  private static void write(Path folder, String path, byte[] content) throws IOException {
    var file = folder.resolve(path).normalize();
    if (!file.startsWith(folder)) {
      throw new IOException("a volume's path leads out of it: " + path);
    }
    Files.createDirectories(file.getParent() == null ? folder : file.getParent());
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException("two volumes have the file " + path);
    }
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.write(file, content);
  }

  /** Reads what volumes hold. */
  private record Reader(KubernetesClient client, String namespace) {

    Map<String, byte[]> files(Volume volume) throws IOException {
      if (volume.getEmptyDir() != null) {
        return Map.of();
      }
      if (volume.getConfigMap() != null) {
        var source = volume.getConfigMap();
        return configMap(source.getName(), source.getItems(), isTrue(source.getOptional()));
      }
      if (volume.getSecret() != null) {
        var source = volume.getSecret();
        return secret(source.getSecretName(), source.getItems(), isTrue(source.getOptional()));
      }
      if (volume.getProjected() != null) {
        Map<String, byte[]> all = new TreeMap<>();
        for (var source : volume.getProjected().getSources()) {
          all.putAll(projection(volume, source));
        }
        return all;
      }
      throw unknown(volume);
    }

    private Map<String, byte[]> projection(Volume volume, VolumeProjection source)
        throws IOException {
      if (source.getSecret() != null) {
        var secret = source.getSecret();
        return secret(secret.getName(), secret.getItems(), isTrue(secret.getOptional()));
      }
      if (source.getConfigMap() != null) {
        var map = source.getConfigMap();
        return configMap(map.getName(), map.getItems(), isTrue(map.getOptional()));
      }
      throw unknown(volume);
    }

    private Map<String, byte[]> configMap(String name, List<KeyToPath> items, boolean optional)
        throws IOException {
      ConfigMap found = client.configMaps().inNamespace(namespace).withName(name).get();
      Map<String, byte[]> data = new TreeMap<>();
      if (found != null && found.getData() != null) {
        found
            .getData()
            .forEach((key, text) -> data.put(key, text.getBytes(StandardCharsets.UTF_8)));
      }
      if (found != null && found.getBinaryData() != null) {
        found.getBinaryData().forEach((key, text) -> data.put(key, decoded(text)));
      }
      return chosen("configmap", name, found == null ? null : data, items, optional);
    }

    private Map<String, byte[]> secret(String name, List<KeyToPath> items, boolean optional)
        throws IOException {
      var found = client.secrets().inNamespace(namespace).withName(name).get();
      Map<String, byte[]> data = new TreeMap<>();
      if (found != null && found.getData() != null) {
        found.getData().forEach((key, text) -> data.put(key, decoded(text)));
      }
      if (found != null && found.getStringData() != null) {
        // A real API server turns these into data.
        found
            .getStringData()
            .forEach((key, text) -> data.put(key, text.getBytes(StandardCharsets.UTF_8)));
      }
      return chosen("secret", name, found == null ? null : data, items, optional);
    }

    private static Map<String, byte[]> chosen(
        String kind,
        String name,
        @Nullable Map<String, byte[]> data,
        List<KeyToPath> items,
        boolean optional)
        throws IOException {
      if (data == null) {
        if (optional) {
          return Map.of();
        }
        // As kubelet says it: the operator reads this in an event.
        throw new IOException("%s \"%s\" not found".formatted(kind, name));
      }
      if (items == null || items.isEmpty()) {
        return data;
      }
      Map<String, byte[]> chosen = new TreeMap<>();
      for (var item : items) {
        var content = data.get(item.getKey());
        if (content != null) {
          chosen.put(item.getPath(), content);
        } else if (!optional) {
          throw new IOException("%s \"%s\" has no key \"%s\"".formatted(kind, name, item.getKey()));
        }
      }
      return chosen;
    }

    private static byte[] decoded(String text) {
      return Base64.getDecoder().decode(text);
    }

    private static boolean isTrue(@Nullable Boolean value) {
      return Boolean.TRUE.equals(value);
    }

    private static IOException unknown(Volume volume) {
      return new IOException(
          "the volume \"%s\" is of a kind that only a cluster has".formatted(volume.getName()));
    }
  }
}
